#!/bin/sh
# Prepares something, says that it is done, and becomes the server: all in one process, which is the unit's main process.
# So it needs neither root nor NotifyAccess=all. Only for what is ready once it runs, because nothing is said after it.
set -eu

mkdir -p "${STATE_DIRECTORY:-.}/cache"
exec readyup notify --exec --ready --status='Prepared' \; -- my-server --port=8080
