// Which of the package's tests say nothing about a runtime, and why.

const all = /^/;

/** By the runtime's name in `process.versions`, and the test file. */
const table = {
  emulated: {
    // The kernel tells of the emulator's system calls and masks of signals, and emulated code is slow enough to be taken for
    // native code. What is left sees that the thread comes and goes, and that stacks can be looked at.
    'hang.test.mjs': [
      /says where, while it hangs/,
      /the first word/,
      /the line of a hang/,
      /the function of a hang/,
      /a system call is named/,
      /a child process that is waited for/,
      /leaves signals to the program/,
      /a worker/,
    ],
    // The emulator says that a message of a descriptor and no text was sent, and does not send it.
    'journal.test.mjs': [/large entries/, /without a journal every call/],
    // Neither does it know of the time that the kernel puts beside a message.
    'receive.test.mjs': [/nothing but a descriptor/, /the time is when it was sent/],
  },
  deno: {
    // They start another Deno with what only Node has: source text that is a module, flags, programs on `-e` behind a
    // shell.
    'environment.test.mjs': [/garbage in every variable/, /bytes that are no text/],
    'package.test.mjs': [/import, /, /addons are not allowed/],
    'sd-listen-fds.test.mjs': [all],
    // It does not tell a server's descriptor: there is none to pass (`checks/passed.mjs` does), and none to store.
    // And with a worker that ends, its cluster loses the connections that it had just been given, without this package, too.
    'serve-cluster.test.mjs': [
      /a worker that ends is replaced/,
      /a reload replaces all workers, and loses no request/,
      /the socket that was passed to the primary/,
    ],
    'serve-reload.test.mjs': [/the socket of a name/, /a socket is stored/],
    'sd-attachments.test.mjs': [/descriptors go along and stay ours/],
    // A worker's own threads keep descriptors, whether or not it uses the package: `checks/workers.mjs` compares.
    'workers.test.mjs': [/leave nothing behind/],
  },
  bun: {
    // Its workers open the port each by itself, so that a connection is lost with the worker whose queue it is in; and its
    // HTTP servers take no descriptor, and have none (`checks/passed.mjs` sees it said).
    'serve-cluster.test.mjs': [
      /a worker that ends is replaced/,
      /a reload replaces all workers, and loses no request/,
      /the socket that was passed to the primary/,
    ],
    'serve-reload.test.mjs': [/the socket of a name/, /a socket is stored/],
    // Of a connection it tells with the first request, and it counts no bytes: what is silent, or has sent half a request,
    // is not to be seen. By itself it closes what is idle as soon as it stops accepting.
    'serve-drain.test.mjs': [
      /idle connections are closed at once/,
      /one that was used just now/,
      /a request that is being received/,
      /more time is asked for/,
      /before the handshake is over/,
    ],
    // Reading /proc takes a descriptor of its own now and then.
    'sd-attachments.test.mjs': [/descriptors go along and stay ours/],
    'workers.test.mjs': [/leave nothing behind/],
  },
};

/** The patterns of the names of tests in `file` that are left out. */
export function exceptions(file) {
  const emulated = process.env.READYUP_EMULATED === undefined ? undefined : 'emulated';
  const runtime = emulated ?? Object.keys(table).find((name) => process.versions[name] !== undefined);
  return table[runtime]?.[file] ?? [];
}
