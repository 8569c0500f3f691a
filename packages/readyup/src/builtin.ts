// Node's own modules, loaded only once they are needed: at a service's start each of them costs time. Internal.

interface Modules {
  'node:child_process': typeof import('node:child_process');
  'node:crypto': typeof import('node:crypto');
  'node:fs': typeof import('node:fs');
  'node:os': typeof import('node:os');
  'node:path': typeof import('node:path');
  'node:perf_hooks': typeof import('node:perf_hooks');
  'node:timers': typeof import('node:timers');
  'node:util': typeof import('node:util');
  'node:worker_threads': typeof import('node:worker_threads');
}

/** One of them. Written out for each, so that bundlers find them. */
export function builtin<Name extends keyof Modules>(name: Name): Modules[Name];
export function builtin(name: keyof Modules): unknown {
  switch (name) {
    case 'node:child_process':
      return require('node:child_process');
    case 'node:crypto':
      return require('node:crypto');
    case 'node:fs':
      return require('node:fs');
    case 'node:os':
      return require('node:os');
    case 'node:path':
      return require('node:path');
    case 'node:perf_hooks':
      return require('node:perf_hooks');
    case 'node:timers':
      return require('node:timers');
    case 'node:util':
      return require('node:util');
    case 'node:worker_threads':
      return require('node:worker_threads');
  }
}
