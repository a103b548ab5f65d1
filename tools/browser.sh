#!/usr/bin/env bash
# Get what the browser tests need, where that can be done, and say plainly what will be skipped where it cannot.
# With --required, having no browser at the end is an error.
set -euo pipefail

if ! command -v chromium >/dev/null; then
    if [ "$(id -u)" = 0 ] && grep -q '^ID=debian$' /etc/os-release 2>/dev/null; then
        echo "Installing Debian's chromium for the browser tests"
        { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
            chromium fonts-dejavu-core fonts-liberation; } || echo "apt-get could not install chromium; its messages are above" >&2
    fi
fi

if command -v chromium >/dev/null; then
    echo "Browser tests will drive $(chromium --version 2>/dev/null || command -v chromium)"
else
    echo "No chromium on PATH: every test in tests/browser, the accessibility checks among them, will be SKIPPED." >&2
    echo "To run them, install it (Debian: sudo apt-get install chromium) so that the command 'chromium' exists." >&2
    [ "${1:-}" != --required ]
fi
