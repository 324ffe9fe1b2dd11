#!/usr/bin/env bash
# Starts the worker processes (--queues, --processes, --threads) with the settings in .env; --help shows the options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/find-venv.sh
. deploy/find-venv.sh
exec "$(find_venv_python)" -m deploy.starting workers "$@"
