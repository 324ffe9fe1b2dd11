#!/usr/bin/env bash
# Installs what is missing and runs the whole product on this machine.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: ./deploy/quickstart.sh [--once] [--no-install]

Makes .venv, installs what is missing and runs FlipTech Pro on this machine:
PostgreSQL, RabbitMQ, web, workers, scheduler, a local mail sink and a made-up
territory of sample businesses. Ctrl-C stops everything that was started.

  --once        run the main job on the sample to its end, print the funnel and, as
                the last line, one JSON object; then stop
  --no-install  never install system parts with apt (Python packages still go to .venv)
  --help        show this text

DATABASE_URL and RABBITMQ_URL, in the environment or in .env, name servers of your
own; then none are started. All settings: .env.example
TEXT
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/prepare.sh
. deploy/prepare.sh

once=""
for argument in "$@"; do
    case "$argument" in
        --once) once="--once" ;;
        --no-install) ALLOW_INSTALL=no ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) die "there is no option '$argument': use --once, --no-install or --help." ;;
    esac
done

make_venv
install_requirements base
install_system_parts
# exec: the launcher is then the process that Ctrl-C, kill and supervisors reach.
# shellcheck disable=SC2086 # empty, or one option
exec .venv/bin/python -m deploy.local $once
