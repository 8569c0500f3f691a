// Which of the package's tests say nothing about a runtime, and why.

const all = /^/;

/** By the runtime's name in `process.versions`, and the test file. */
const table = {
  // An emulated program cannot start another one of its kind.
  emulated: {
    'notifier.test.mjs': [/at the very end of the process/, /what nobody awaits ends no process/],
    'sd-attachments.test.mjs': [/in the name of another process/, /of another process/],
    'watchdog.test.mjs': [/an event loop that hangs/, /do not keep the process alive/, /a manager that is named later/],
  },
  deno: {
    // They start another Deno with what only Node has: source text that is a module, flags, programs on `-e` behind a
    // shell.
    'environment.test.mjs': [/garbage in every variable/, /bytes that are no text/],
    'package.test.mjs': [/import, /, /addons are not allowed/],
    'sd-listen-fds.test.mjs': [all],
    'sd-attachments.test.mjs': [/descriptors go along and stay ours/],
    // A worker's own threads keep descriptors, whether or not it uses the package: `checks/workers.mjs` compares.
    'workers.test.mjs': [/leave nothing behind/],
  },
  bun: {
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
