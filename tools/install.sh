#!/usr/bin/env bash
# Make .venv and install one lock file and Common Ground itself into it: tools/install.sh requirements.lock
# Everything comes from the Python package index with its hash checked, the build tool too, so that a fresh machine gets what
# was tested. PYTHON=path chooses the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lock=$1
floor="3.11"

works() { # is this a Python that is new enough? A version manager's stand-in may be on PATH and not run
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    local name
    if [ -n "${PYTHON:-}" ]; then
        works "$PYTHON" && { echo "$PYTHON"; return; }
        echo "PYTHON=$PYTHON does not run, or is older than $floor: $("$PYTHON" --version 2>&1 | head -n 1)" >&2
        return 1
    fi
    for name in python3 python3.11 python3.12 python3.13 python3.14 python; do
        works "$name" && { echo "$name"; return; }
    done
    echo "Common Ground needs Python $floor or newer, and there is none on PATH (python3 here: $(python3 --version 2>&1 | head -n 1))." >&2
    echo "Install it (on Debian 12: apt-get install python3 python3-venv), or say where it is: make PYTHON=/path/to/python3.11 ..." >&2
    return 1
}

make_venv() {
    local python version
    python=$(find_python)
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "Making .venv with Python $version ($(command -v "$python"))"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then # Debian keeps them in a package of their own
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "python$version-venv"
        else
            echo "This Python cannot make virtual environments. On Debian and Ubuntu: sudo apt-get install python$version-venv" >&2
            return 1
        fi
    fi
    "$python" -m venv --clear .venv
}

works .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1 || make_venv

pip() { .venv/bin/python -m pip --disable-pip-version-check --no-input "$@"; }

echo "Installing $(grep -cE '^[a-z0-9]' "$lock") packages from $lock; the first time takes a few minutes"
# Nothing has to be resolved: the lock names every package, those that packages need too.
pip install --no-deps --require-hashes --requirement "$lock" | sed -u -E \
    '/^( |Requirement already satisfied|Ignoring |Successfully installed)/d; s/^(Collecting [^ ]+) .*/\1/; s/^(Installing collected packages).*/\1/'
pip install --quiet --no-deps --no-index --no-build-isolation --editable .
pip check
printf '%s\n' "$PWD" >.venv/installed-in
echo "Installed. The command is .venv/bin/commonground"
