#!/bin/sh
# Where there is no systemd: starts a server that says READY=1, as it would under Type=notify, and returns when it has.
set -eu

pid_file=${PID_FILE:-/run/my-server.pid}

case ${1-} in
    start)
        pid=$(readyup notify --fork --timeout=30 -- my-server --port=8080)
        kill -0 "$pid" # one that ended well before it was ready is no server
        echo "$pid" >"$pid_file"
        ;;
    stop)
        kill "$(cat "$pid_file")"
        rm "$pid_file"
        ;;
    *)
        echo "usage: $0 start|stop" >&2
        exit 2
        ;;
esac
