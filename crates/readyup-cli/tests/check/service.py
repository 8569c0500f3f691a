# What the services written in Python begin with.
import array, ctypes, os, signal, socket, subprocess, sys, threading, time

notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
address = os.environ['NOTIFY_SOCKET']
address = '\0' + address[1:] if address[0] == '@' else address


def say(text, fds=()):
    data = text if isinstance(text, bytes) else text.encode()
    socket.SocketType.sendmsg(notify, [data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else [], 0, address)


def microseconds():
    return time.monotonic_ns() // 1000


def run():
    while True:
        time.sleep(60)


# A child that says something, from a program of its own.
def child(text, then=''):
    code = f'import os,socket,time\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.sendto({text.encode()!r},{address!r})\n{then}'
    return subprocess.Popen([sys.executable, '-c', code])


def stop(*_):
    say('STOPPING=1')
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
