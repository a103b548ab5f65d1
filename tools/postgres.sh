#!/usr/bin/env bash
# Run a command beside a PostgreSQL of its own: tools/postgres.sh COMMAND... finds its address in COMMONGROUND_TEST_POSTGRES.
# The cluster lies in a temporary folder, listens on 127.0.0.1 only, and is stopped and deleted when the command ends. As root on
# Debian the server is installed where it is missing; elsewhere a missing one is an error that says what to install.
set -euo pipefail

find_bin() { # Debian keeps the server's programs out of PATH
    local found
    found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
    [ -n "$found" ] || found=$(dirname "$(command -v initdb 2>/dev/null || echo /nowhere/initdb)")
    [ -x "$found/initdb" ] && echo "$found"
}

if ! bin=$(find_bin); then
    if [ "$(id -u)" = 0 ] && grep -q '^ID=debian$' /etc/os-release 2>/dev/null; then
        echo "Installing Debian's postgresql for the tests"
        apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql
    fi
    bin=$(find_bin) || { echo "No PostgreSQL server here: install it (Debian: apt-get install postgresql)." >&2; exit 1; }
fi

home=$(mktemp -d)
as=() # the server refuses to run as root
if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || useradd --system --shell /bin/sh postgres
    chown postgres "$home"
    as=(runuser -u postgres --)
fi

stop() {
    status=$?
    trap - EXIT
    (cd /; "${as[@]}" "$bin/pg_ctl" -D "$home/data" -m immediate -w stop) >/dev/null 2>&1 || true
    rm -rf "$home"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cd_home() { (cd "$home" && "${as[@]}" "$@"); }
cd_home "$bin/initdb" -D "$home/data" -U tests -A trust -E UTF8 --locale=C --no-sync >"$home/initdb.log" || { cat "$home/initdb.log" >&2; exit 1; }
# a temporary cluster: nothing of it has to survive the machine
cd_home "$bin/pg_ctl" -D "$home/data" -l "$home/log" -w -t 60 -o "-c listen_addresses=127.0.0.1 -p $port -c unix_socket_directories='' \
    -c fsync=off -c max_connections=300" start >/dev/null || { cat "$home/log" >&2; exit 1; }
export COMMONGROUND_TEST_POSTGRES="postgresql://tests@127.0.0.1:$port/postgres"
echo "PostgreSQL $("$bin/postgres" --version | grep -oE '[0-9.]+' | head -n 1) listens at $COMMONGROUND_TEST_POSTGRES"
"$@"
