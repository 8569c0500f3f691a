#!/usr/bin/env python3
"""A service in Python that tells systemd how it is, without a library."""

import signal
import subprocess
from http.server import HTTPServer, SimpleHTTPRequestHandler


def readyup(*words):
    subprocess.run(["readyup", *words], check=True)


def reload(*_):
    readyup("reloading")
    # … read the configuration …
    readyup("ready", "--status=Reloaded")


def stop(*_):
    readyup("stopping")
    raise SystemExit


server = HTTPServer(("127.0.0.1", 8080), SimpleHTTPRequestHandler)
# Before it is ready: a reload that comes before its signal is handled would end the service.
signal.signal(signal.SIGHUP, reload)
signal.signal(signal.SIGTERM, stop)
readyup("ready", "--status=Serving on :8080")
server.serve_forever()
