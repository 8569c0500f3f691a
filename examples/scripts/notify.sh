#!/bin/sh
# A service in shell around a server that knows nothing of systemd: it is said here when the server is ready, that it
# lives, and that it stops.

healthy() {
    curl --fail --silent --max-time 2 --output /dev/null http://127.0.0.1:8080/health
}

my-server --port=8080 &
server=$!
trap 'readyup stopping; kill "$server"; wait "$server"; exit 0' TERM

until healthy; do
    kill -0 "$server" || exit 1 # it has ended: there is nothing to wait for
    sleep 0.1
done
readyup ready --status='Serving on :8080'

# Twice in WatchdogSec=. A server that answers no more gets no more pings, and systemd starts all of this anew.
interval=$((${WATCHDOG_USEC:-10000000} / 2000000))
[ "$interval" -gt 0 ] || interval=0.3
while kill -0 "$server" 2>/dev/null; do
    healthy && readyup watchdog
    sleep "$interval" &
    wait "$!" # unlike sleep itself, this is over as soon as there is a signal
done
wait "$server"
