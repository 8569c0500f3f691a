#!/bin/sh
# Where there is no systemd: starts a server that says READY=1, as it would under Type=notify, and returns when it has.
set -eu

pid_file=${PID_FILE:-/run/my-server.pid}

case ${1-} in
    start)
        readyup notify --fork --timeout=30 -- my-server --port=8080 >"$pid_file"
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
