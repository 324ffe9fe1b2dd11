#!/usr/bin/env bash
# Runs everything that checks the product, on servers of its own.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: ./deploy/test.sh [--no-install] [tests or options for pytest]

Makes .venv, installs what is missing, starts a throw-away PostgreSQL and RabbitMQ
under var/test and runs linters, types, import rules, migrations and all tests; with
arguments only pytest with these, for instance: ./deploy/test.sh tests/leads -k craigslist

DATABASE_URL and RABBITMQ_URL name servers of your own; then none are started.
TEXT
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/prepare.sh
. deploy/prepare.sh

while [ $# -gt 0 ]; do
    case "$1" in
        --no-install)
            ALLOW_INSTALL=no
            shift
            ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) break ;;
    esac
done

make_venv
install_requirements dev
install_system_parts
exec .venv/bin/python -m deploy.local.testing "$@"
