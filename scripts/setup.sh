#!/bin/sh
# setup.sh runtime|dev: bring .venv up to the lock. Does nothing, and needs no network, when nothing changed.
set -eu
cd "$(dirname "$0")/.."

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

make_venv() {
    [ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' 2>/dev/null && return
    find_python >/dev/null || scripts/apt-install.sh python3 || exit 2
    python=$(find_python) || {
        echo "error: Python 3.11 or newer was not found" >&2
        echo "fix: install it, or name it: make setup PYTHON=/path/to/python3.11" >&2
        exit 2
    }
    # Debian splits venv off into its own package
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        scripts/apt-install.sh "$("$python" -c 'import sys; print(
            "python3-venv" if sys.executable.startswith("/usr/bin/python3") and sys.version_info[:2] == (3, 11)
            else "python%d.%d-venv" % sys.version_info[:2])')"
    fi
    echo "creating .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
}

# bring_up_to_date NAME FILE...: run install_NAME unless .venv already matches these files
bring_up_to_date() {
    name=$1
    shift
    wanted=$(cat "$@" | sha256sum)
    [ "$(cat ".venv/.$name" 2>/dev/null || true)" = "$wanted" ] && return
    "install_$name"
    printf '%s\n' "$wanted" >".venv/.$name"
}

pip_install() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@" || {
        echo "error: pip could not install the locked dependencies" >&2
        echo "fix: see pip's message above; check network, proxy and free disk, then run again" >&2
        exit 1
    }
}

install_runtime() {
    echo "installing the locked dependencies (a minute or two, once)"
    pip_install --require-hashes --no-deps -r requirements.lock -r requirements-build.lock
    pip_install --no-deps --no-build-isolation -e .
}

install_dev() {
    echo "installing the locked development tools"
    pip_install --require-hashes --no-deps -r requirements-dev.lock
}

make_venv
bring_up_to_date runtime pyproject.toml requirements.lock requirements-build.lock
if [ "$1" = dev ]; then
    bring_up_to_date dev requirements-dev.lock
fi
