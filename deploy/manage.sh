#!/usr/bin/env bash
# Runs manage.py with the settings of the running quickstart: ./deploy/manage.sh help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
settings="${VAR_DIR:-var}/settings.env"
if [ ! -r "$settings" ]; then
    echo "Error: $settings is missing: start ./deploy/quickstart.sh first (with production settings in .env, call .venv/bin/python manage.py)." >&2
    exit 1
fi
# shellcheck disable=SC1090 # written by the launcher
. "$settings"
exec .venv/bin/python manage.py "$@"
