# Finds the virtual environment for the start scripts. Sourced, not run.
# shellcheck shell=bash

# The active one first, then those beside the code.
find_venv_python() {
    local folder
    for folder in "${VIRTUAL_ENV:-}" .venv venv; do
        if [ -n "$folder" ] && "$folder/bin/python" -c 'import django' 2>/dev/null; then
            printf '%s' "$folder/bin/python"
            return 0
        fi
    done
    echo "Error: no virtual environment with the packages was found: run 'python3 -m venv .venv' and '.venv/bin/pip install --require-hashes -r requirements/base.txt', or ./deploy/quickstart.sh." >&2
    return 1
}
