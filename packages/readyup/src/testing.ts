/**
 * Test how your service speaks to its manager, in your own test suite: with `node:test`, vitest, jest, or without any.
 *
 * The manager of these tests goes by systemd's rules: it believes whom systemd believes, and kills when systemd kills. What
 * judges is the state machine that is compared with real versions of systemd.
 *
 * @example
 * import { start } from 'readyup/testing';
 *
 * const service = start('node', ['server.js'], { watchdog: 1000 });
 * try {
 *   await service.ready();
 *   await service.expectPings(2);
 *   await service.stop();
 *   assert.deepEqual(service.ignored, []);
 * } finally {
 *   await service.close();
 * }
 *
 * @packageDocumentation
 */

import { type ChildProcess, type StdioOptions } from 'node:child_process';
import { type Server } from 'node:net';
import { builtin } from './builtin';
import { calling, errorFrom, typeError } from './errors';
import { type Listening, native } from './native';
import { Life } from './testing-life';
import { TestService } from './testing-service';
import { printable } from './testing-timeline';
import { UNIT_OPTIONS, type Unit, known, settings, signalName, signalNumber } from './testing-unit';

export { type Expected, TestService, type Within } from './testing-service';
export type { Ended, ReceivedMessage, TimelineEvent } from './testing-timeline';
export type { Unit } from './testing-unit';

/** What a manager tells a service through the environment. */
const VARIABLES = [
  'NOTIFY_SOCKET',
  'INVOCATION_ID',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_FDNAMES',
  'LISTEN_PIDFDID',
  'FDSTORE',
  'MANAGERPID',
  'MANAGERPIDFDID',
];
/** What the test's own manager told the test, as is the case in a CI job that is a service. */
const OUTER = ['MAINPID', 'JOURNAL_STREAM', 'SYSTEMD_EXEC_PID', 'MEMORY_PRESSURE_WATCH', 'MEMORY_PRESSURE_WRITE'];

/** How to start a program. */
export interface StartOptions extends Unit {
  /** Its directory: this process's, unless told otherwise. */
  cwd?: string;
  /** Its environment: this process's, unless told otherwise. What a manager sets is added. */
  env?: NodeJS.ProcessEnv;
  /** Where its output goes: into {@link TestService.output}, unless told otherwise. */
  stdio?: 'capture' | 'inherit' | 'ignore';
  /**
   * Listening servers by their names, whose sockets are passed to the service, as those of socket units are. They are the
   * service's from then on, and closed here. (Only in Node: it is what has descriptors for them.)
   */
  sockets?: Readonly<Record<string, Server>>;
}

/**
 * Starts a program as a service, in a session of its own. `service.close()` ends it with all its children.
 *
 * @example
 * const service = start(process.execPath, ['server.js'], { type: 'notify-reload', watchdog: 1000 });
 * await service.ready();
 */
export function start(command: string, options?: StartOptions): TestService;
export function start(command: string, args?: readonly string[], options?: StartOptions): TestService;
export function start(command: string, ...rest: readonly unknown[]): TestService {
  const [args, options] = (
    Array.isArray(rest[0]) || rest[0] === undefined ? [rest[0] ?? [], rest[1]] : [[], ...rest]
  ) as [readonly string[], StartOptions | undefined];
  if (typeof command !== 'string' || command === '')
    throw typeError('readyup/testing: which program? "node", for example');
  if (!args.every((argument) => typeof argument === 'string')) {
    throw typeError('readyup/testing: the arguments of a program must be an array of strings');
  }
  return startProgram(command, args, options === undefined ? {} : options);
}

function startProgram(command: string, args: readonly string[], options: StartOptions): TestService {
  known(options, [...UNIT_OPTIONS, 'cwd', 'env', 'stdio', 'sockets']);
  const { cwd = process.cwd(), stdio = 'capture', sockets = {} } = options;
  if (!['capture', 'inherit', 'ignore'].includes(stdio)) {
    throw typeError('readyup/testing: stdio must be one of capture, inherit, ignore');
  }
  const life = new Life(settings(options));
  const env = { ...(options.env ?? process.env) };
  // What the test sets itself is meant for the service.
  if (options.env === undefined) for (const name of OUTER) delete env[name];
  for (const name of VARIABLES) delete env[name];
  const program = find(command, cwd, env['PATH']);
  const fds = Object.entries(sockets).map(([name, server]) => descriptor(name, server));
  const invocation = random();
  const inbox = listen();
  let child: ChildProcess;
  try {
    Object.assign(env, variables(options, life, inbox.address(), invocation));
    // Commands that speak for their parent, as systemd-notify does, do not speak for their manager.
    env['MANAGERPID'] = String(process.pid);
    // What bears the pid of the process that it is for can only be set by the process itself.
    const own = options.watchdog === undefined ? [] : ['WATCHDOG_PID'];
    if (fds.length > 0) {
      own.push('LISTEN_PID');
      env['LISTEN_FDS'] = String(fds.length);
      env['LISTEN_FDNAMES'] = Object.keys(sockets).join(':');
    }
    const script = `export ${own.map((name) => `${name}=$$`).join(' ')}; exec "$0" "$@"`;
    const [file, argv] = own.length === 0 ? [program, args] : ['/bin/sh', ['-c', script, program, ...args]];
    const output = stdio === 'capture' ? 'pipe' : stdio;
    child = builtin('node:child_process').spawn(file, argv, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', output, output, ...fds] as StdioOptions,
    });
  } catch (error) {
    inbox.close();
    throw error;
  }
  const { pid } = child;
  if (pid === undefined) {
    inbox.close();
    // What is wrong comes as an event, too, which nobody else listens to.
    child.once('error', () => {});
    throw errorFrom(new Error(`readyup/testing: "${command}" could not be started`), 'ERR_READYUP_START');
  }
  for (const server of Object.values(sockets)) server.close();
  return new TestService(options, life, inbox, {
    pid,
    invocation,
    child,
    description: [command, ...args].join(' '),
  });
}

/** How to be a service oneself. */
export interface InProcessOptions extends Unit {
  /**
   * What to do with the signals that the service would be sent. The listeners that the process has got for them since
   * {@link inProcess} are called, unless told otherwise: earlier ones may be the test runner's. No signal is ever really sent.
   */
  onSignal?: (signal: NodeJS.Signals) => void;
}

/** The signals that it may be sent. */
const SIGNALS = Object.keys(builtin('node:os').constants.signals) as NodeJS.Signals[];

let current: TestService | undefined;

/**
 * Makes this very process the service, for servers that a test runs in its own process: sets `NOTIFY_SOCKET` and the like in
 * `process.env` until `service.close()`. Until then, a call of `process.exit` is the service's end and not the test's.
 *
 * @example
 * const service = inProcess({ watchdog: 1000 });
 * const server = createServer(handler).listen(0, () => ready());
 * await service.ready();
 */
export function inProcess(options: InProcessOptions = {}): TestService {
  known(options, [...UNIT_OPTIONS, 'onSignal']);
  const { onSignal } = options;
  if (onSignal !== undefined && typeof onSignal !== 'function') {
    throw typeError('readyup/testing: onSignal must be a function');
  }
  if (current !== undefined) {
    throw errorFrom(new Error('readyup/testing: this process is a service already: close that one first'), 'EBUSY');
  }
  const life = new Life(settings(options));
  const inbox = listen();
  const before = VARIABLES.map((name) => [name, process.env[name]] as const);
  const set = (values: Iterable<readonly [string, string | undefined]>): void => {
    for (const name of VARIABLES) delete process.env[name];
    for (const [name, value] of values) if (value !== undefined) process.env[name] = value;
  };
  const invocation = random();
  set(Object.entries(variables(options, life, inbox.address(), invocation)));
  const earlier = new Map(SIGNALS.map((signal) => [signal, process.rawListeners(signal)]));
  const listeners = (name: NodeJS.Signals): Function[] =>
    process.rawListeners(name).filter((listener) => earlier.get(name)?.includes(listener) !== true);
  const call = (name: NodeJS.Signals): boolean => {
    const called = listeners(name);
    for (const listener of called) listener.call(process, name, signalNumber(name));
    return called.length > 0;
  };
  const { exit } = process;
  const service = new TestService(options, life, inbox, {
    pid: process.pid,
    invocation,
    description: 'in this process',
    handles: (signal) => onSignal !== undefined || listeners(signalName(signal)).length > 0,
    signal(name) {
      if (onSignal === undefined) return call(name);
      onSignal(name);
      return true;
    },
    restore() {
      set(before);
      if (process.exit === leave) process.exit = exit;
      current = undefined;
    },
  });
  let left = false;
  const leave = ((code?: number | string | null) => {
    // Whoever wants it twice is not the service, but whoever runs the test.
    if (left) return exit.call(process, code as number);
    left = true;
    service.exited(Number(code ?? process.exitCode ?? 0), null);
  }) as typeof process.exit;
  process.exit = leave;
  current = service;
  return service;
}

function listen(): Listening {
  const addon = native();
  if (addon === null) {
    throw errorFrom(new Error('readyup/testing: only on Linux is there a notify protocol to be tested'), 'ENOSYS');
  }
  // An abstract name leaves nothing behind in a file system.
  return calling(() => addon.listen(`@readyup-test-${process.pid}-${random()}`));
}

/** An id that nobody else has, as systemd's are. */
function random(): string {
  return builtin('node:crypto').randomBytes(16).toString('hex');
}

function variables(unit: Unit, life: Life, address: string, invocation: string): Record<string, string> {
  const values: Record<string, string> = { INVOCATION_ID: invocation };
  if (life.property('NotifyAccess') !== 'none') values['NOTIFY_SOCKET'] = address;
  if (unit.watchdog !== undefined) values['WATCHDOG_USEC'] = String(Math.ceil(unit.watchdog * 1000));
  if (unit.fdStoreMax !== undefined && unit.fdStoreMax > 0) values['FDSTORE'] = String(unit.fdStoreMax);
  return values;
}

/** The descriptor of a listening server. */
function descriptor(name: string, server: Server): number {
  if (!/^[!-9;-~]{1,255}$/.test(name))
    throw typeError(`readyup/testing: "${printable(name)}" cannot be the name of a socket`);
  // Node has no public name for it.
  const fd = (server as unknown as { _handle?: { fd?: number } } | null)?._handle?.fd;
  if (fd === undefined || fd < 0) {
    throw typeError(
      `readyup/testing: the socket "${name}" must be a net.Server that listens: await once(server, 'listening')`,
    );
  }
  return fd;
}

/** The file of a program, as a shell would find it. What starts it in our place could only say by an exit status that there is none. */
function find(command: string, cwd: string, path = '/usr/local/bin:/usr/bin:/bin'): string {
  const { accessSync, constants, statSync } = builtin('node:fs');
  const { resolve } = builtin('node:path');
  const failed = (why: string, code: string): Error => errorFrom(new Error(`readyup/testing: ${why}`), code);
  const kind = (file: string): 'directory' | 'program' | 'file' | undefined => {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (stats.isDirectory()) return 'directory';
    try {
      accessSync(file, constants.X_OK);
      return 'program';
    } catch {
      return 'file';
    }
  };
  if (typeof cwd !== 'string' || kind(resolve(cwd)) !== 'directory') {
    throw failed(`cwd: there is no directory "${printable(String(cwd))}"`, 'ENOENT');
  }
  if (!command.includes('/')) {
    const found = path
      .split(':')
      .map((place) => resolve(cwd, place, command))
      .find((file) => kind(file) === 'program');
    if (found === undefined) throw failed(`there is no program "${printable(command)}" in PATH`, 'ENOENT');
    return found;
  }
  const file = resolve(cwd, command);
  switch (kind(file)) {
    case 'program':
      return file;
    case 'directory':
      throw failed(`"${printable(command)}" is a directory, not a program`, 'EACCES');
    case 'file':
      throw failed(
        `"${printable(command)}" is not executable (chmod +x), or is to be started by another program`,
        'EACCES',
      );
    default:
      throw failed(`there is no program "${printable(command)}"`, 'ENOENT');
  }
}
