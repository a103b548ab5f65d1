#!/usr/bin/env bash
# Write requirements.lock (to serve) and requirements-dev.lock (to change it) from pyproject.toml, for every Python from the floor up
# and every platform. The tests are then the judge: make test. PYTHON=path of a Python that uv may be installed into.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

"$PYTHON" -m uv --version >/dev/null 2>&1 || "$PYTHON" -m pip install --quiet uv

compile() {
    # the build tool is locked too, so that installing the project itself fetches nothing
    printf 'setuptools>=77  # [build-system] of pyproject.toml\n' | "$PYTHON" -m uv pip compile pyproject.toml - "$@" --quiet \
        --no-config --upgrade --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
        --no-emit-index-url --custom-compile-command "make lock"
}

compile --output-file requirements.lock >/dev/null
compile --extra dev --constraint requirements.lock --output-file requirements-dev.lock >/dev/null
