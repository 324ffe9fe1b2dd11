# What quickstart.sh and test.sh share: Python, the virtual environment, system parts.
# Sourced, not run. Written for bash 3.2, which macOS still ships.
# shellcheck shell=bash

MINIMUM_PYTHON="3.11"
SYSTEM_PARTS="rabbitmq-server chromium-headless-shell ffmpeg flite espeak-ng fonts-inter fonts-noto-core fonts-noto-color-emoji"
ALLOW_INSTALL=yes

say() { printf '%s\n' "$*" >&2; }
step() { say "==> $*"; }
warn() { say "Warning: $*"; }
die() {
    say "Error: $*"
    exit 1
}

# --- Rights -----------------------------------------------------------------

# Prints the command that gives root's rights; fails when there is none to be had.
root_prefix() {
    if [ "$(id -u)" = 0 ]; then
        printf 'env'
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        printf 'sudo'
    else
        return 1
    fi
}

may_install() {
    [ "$ALLOW_INSTALL" = yes ] && command -v apt-get >/dev/null 2>&1 &&
        root_prefix >/dev/null
}

# The packages bring services that would start at once; ours is a private node. A
# policy-rc.d that forbids it exists only while apt runs, and only if there was none.
apt_install() {
    local prefix policy=/usr/sbin/policy-rc.d made=no status=0
    prefix="$(root_prefix)" || return 1
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "$prefix" tee "$policy" >/dev/null &&
            "$prefix" chmod 755 "$policy" && made=yes
        # shellcheck disable=SC2064 # as they are now
        trap "'$prefix' rm -f '$policy'" EXIT
    fi
    "$prefix" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" </dev/null >/dev/null || status=$?
    if [ "$made" = yes ]; then
        "$prefix" rm -f "$policy"
        trap - EXIT
    fi
    return "$status"
}

# --- Python -----------------------------------------------------------------

find_python() {
    local name
    for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

# A Debian without python3-venv has the module venv and not ensurepip.
ensure_venv_module() {
    local package
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return 0
    package="python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    if may_install; then
        step "Installing $package with apt"
        "$(root_prefix)" apt-get update -qq >/dev/null || true
        apt_install "$package" || true
        "$1" -c 'import ensurepip, venv' 2>/dev/null && return 0
    fi
    die "Python can't make virtual environments here: run 'sudo apt-get install $package', then start again."
}

make_venv() {
    local python
    if [ -x .venv/bin/python ] &&
        .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        return 0
    fi
    python="$(find_python)" ||
        die "Python $MINIMUM_PYTHON or newer is needed and was not found: install it (Debian, Ubuntu: sudo apt-get install python3 python3-venv; macOS: brew install python), then start again."
    ensure_venv_module "$python"
    step "Making .venv with $("$python" --version 2>&1)"
    "$python" -m venv --clear .venv ||
        die "The virtual environment .venv could not be made; see above."
}

# install_requirements base|dev: nothing to do while the lock is the one installed.
install_requirements() {
    local lock="requirements/$1.txt" stamp=".venv/installed-$1.txt"
    cmp -s "$lock" "$stamp" && return 0
    .venv/bin/python -c 'import pip' 2>/dev/null ||
        .venv/bin/python -m ensurepip >/dev/null ||
        die "pip is missing in .venv and could not be added: delete .venv and start again."
    step "Installing $lock (the first time takes a minute or two)"
    .venv/bin/python -m pip install -qq --disable-pip-version-check \
        --require-hashes -r "$lock" >&2 ||
        die "The locked packages of $lock could not be installed: check the network and the sentences above, then start again."
    cp "$lock" "$stamp"
}

# --- System parts -----------------------------------------------------------

has_own_rabbitmq() {
    [ -n "${RABBITMQ_URL:-}${RABBITMQ_URL_FILE:-}${RABBITMQ_SERVER:-}" ] ||
        grep -Eqs '^(export )?RABBITMQ_(URL|URL_FILE|SERVER)=.' .env
}

is_installed() {
    case "$1" in
        rabbitmq-server)
            has_own_rabbitmq || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]
            ;;
        *) dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'install ok installed' ;;
    esac
}

missing_parts() {
    local part
    for part in $SYSTEM_PARTS; do
        is_installed "$part" || printf '%s ' "$part"
    done
}

purpose_of() {
    case "$1" in
        rabbitmq-server) printf 'the message broker; without it tasks run in one worker process' ;;
        chromium-headless-shell) printf 'records demo sites' ;;
        ffmpeg) printf 'makes the videos' ;;
        flite | espeak-ng) printf 'speaks the voice-overs' ;;
        *) printf 'letters and signs in recordings' ;;
    esac
}

# What apt could not give an hour ago it can't give now: a start need not ask again.
tried_today() {
    [ -n "$(find .venv/missing-parts.txt -mtime -1 2>/dev/null)" ] &&
        [ "$(cat .venv/missing-parts.txt)" = "$1" ]
}

install_parts() {
    local missing part wanted="" service_was_there=no
    missing="$(missing_parts)"
    [ -n "$missing" ] || return 0
    if may_install && ! tried_today "$missing"; then
        step "Installing system parts with apt (once): $missing"
        "$(root_prefix)" apt-get update -qq >/dev/null ||
            warn "apt-get update failed; what apt knows already may do."
        for part in $missing; do
            if apt-cache show "$part" >/dev/null 2>&1; then
                wanted="$wanted $part"
            fi
        done
        [ -d /run/systemd/system ] && systemctl is-enabled -q rabbitmq-server 2>/dev/null &&
            service_was_there=yes
        # One by one when they fail together: one bad package must not cost the others.
        # shellcheck disable=SC2086 # a list of names
        if [ -n "$wanted" ] && ! apt_install $wanted; then
            for part in $wanted; do
                apt_install "$part" || true
            done
        fi
        leave_service_off "$service_was_there"
        missing_parts >.venv/missing-parts.txt
    fi
    for part in $(missing_parts); do
        warn "$part is missing ($(purpose_of "$part")). To have it: sudo apt-get install $part"
    done
}

# The package enables a RabbitMQ service for the next boot; nobody asked for that.
leave_service_off() {
    if [ "$1" = no ] && [ -d /run/systemd/system ] &&
        systemctl is-enabled -q rabbitmq-server 2>/dev/null; then
        say "    (the package's own RabbitMQ service stays off; we run a private node)"
        "$(root_prefix)" systemctl disable -q rabbitmq-server || true
    fi
}

install_parts_macos() {
    local missing="" formula
    command -v ffmpeg >/dev/null 2>&1 || missing="$missing ffmpeg"
    command -v espeak-ng >/dev/null 2>&1 || missing="$missing espeak-ng"
    if ! has_own_rabbitmq; then
        formula=missing
        for prefix in /opt/homebrew /usr/local; do
            [ -x "$prefix/opt/rabbitmq/sbin/rabbitmq-server" ] && formula=found
        done
        [ "$formula" = found ] || missing="$missing rabbitmq"
    fi
    [ -z "$missing" ] || warn "some parts are missing. To have them: brew install$missing"
}

install_system_parts() {
    if [ "$(uname -s)" = Darwin ]; then
        install_parts_macos
    elif command -v dpkg-query >/dev/null 2>&1; then
        install_parts
    else
        warn "this system has no apt; install these yourself where you can: $SYSTEM_PARTS"
    fi
}
