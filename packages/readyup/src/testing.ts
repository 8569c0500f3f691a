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

import { type ChildProcess } from 'node:child_process';
import { builtin } from './builtin';
import { calling, errorFrom } from './errors';
import { type Listening, native } from './native';
import { Life } from './testing-life';
import { TestService } from './testing-service';
import { type Unit, settings, signalName, signalNumber } from './testing-unit';

export { type Expected, TestService, type Within } from './testing-service';
export type { Ended, ReceivedMessage, TimelineEvent } from './testing-timeline';
export type { Unit } from './testing-unit';

/** What a manager tells through the environment. */
const VARIABLES = [
  'NOTIFY_SOCKET',
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

/** How to start a program. */
export interface StartOptions extends Unit {
  /** Its directory: this process's, unless told otherwise. */
  cwd?: string;
  /** Its environment: this process's, unless told otherwise. What a manager sets is added. */
  env?: NodeJS.ProcessEnv;
  /** Where its output goes: into {@link TestService.output}, unless told otherwise. */
  stdio?: 'capture' | 'inherit' | 'ignore';
}

/**
 * Starts a program as a service, in a session of its own. `service.close()` ends it with all its children.
 *
 * @example
 * const service = start(process.execPath, ['server.js'], { type: 'notify-reload', watchdog: 1000 });
 * await service.ready();
 */
export function start(command: string, args: readonly string[] = [], options: StartOptions = {}): TestService {
  const life = new Life(settings(options));
  const { cwd = process.cwd(), stdio = 'capture' } = options;
  const env = { ...(options.env ?? process.env) };
  const program = find(command, cwd, env['PATH']);
  const inbox = listen();
  let child: ChildProcess;
  try {
    for (const name of VARIABLES) delete env[name];
    Object.assign(env, variables(options, inbox.address()));
    // Commands that speak for their parent, as systemd-notify does, do not speak for their manager.
    env['MANAGERPID'] = String(process.pid);
    // The variable with the pid of the process that it is for can only be set by the process itself.
    const shell = ['-c', 'export WATCHDOG_PID=$$; exec "$0" "$@"', program, ...args];
    const output = stdio === 'capture' ? 'pipe' : stdio;
    const [file, argv] = options.watchdog === undefined ? [program, [...args]] : ['/bin/sh', shell];
    child = builtin('node:child_process').spawn(file, argv, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', output, output],
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
  return new TestService(options, life, inbox, { pid, child, description: [command, ...args].join(' ') });
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
function signalsOf({
  reloadSignal = 'SIGHUP',
  killSignal = 'SIGTERM',
  watchdogSignal = 'SIGABRT',
}: Unit): NodeJS.Signals[] {
  return [reloadSignal, killSignal, watchdogSignal];
}

let current: TestService | undefined;

/**
 * Makes this very process the service, for servers that a test runs in its own process: sets `NOTIFY_SOCKET` and the like in
 * `process.env` until `service.close()`.
 *
 * @example
 * const service = inProcess({ watchdog: 1000 });
 * const server = createServer(handler).listen(0, () => ready());
 * await service.ready();
 */
export function inProcess(options: InProcessOptions = {}): TestService {
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
  set(Object.entries(variables(options, inbox.address())));
  const others = signalsOf(options).map((signal) => [signal, process.rawListeners(signal)] as const);
  const listeners = (name: NodeJS.Signals): Function[] => {
    const before = others.find(([signal]) => signal === name)?.[1] ?? [];
    return process.rawListeners(name).filter((listener) => !before.includes(listener));
  };
  const emit = (name: NodeJS.Signals): void => {
    for (const listener of listeners(name)) listener.call(process, name, signalNumber(name));
  };
  const { onSignal } = options;
  current = new TestService(options, life, inbox, {
    pid: process.pid,
    description: 'in this process',
    handles: (signal) => onSignal !== undefined || listeners(signalName(signal)).length > 0,
    signal: onSignal ?? emit,
    restore: () => {
      set(before);
      current = undefined;
    },
  });
  return current;
}

function listen(): Listening {
  const addon = native();
  if (addon === null) {
    throw errorFrom(new Error('readyup/testing: only on Linux is there a notify protocol to be tested'), 'ENOSYS');
  }
  // An abstract name leaves nothing behind in a file system.
  const name = `@readyup-test-${process.pid}-${builtin('node:crypto').randomBytes(8).toString('hex')}`;
  return calling(() => addon.listen(name));
}

function variables(unit: Unit, address: string): Record<string, string> {
  const values: Record<string, string> = { NOTIFY_SOCKET: address };
  if (unit.watchdog !== undefined) values['WATCHDOG_USEC'] = String(Math.ceil(unit.watchdog * 1000));
  if (unit.fdStoreMax !== undefined && unit.fdStoreMax > 0) values['FDSTORE'] = String(unit.fdStoreMax);
  return values;
}

/** The file of a program, as a shell would find it. What starts it in our place could only say by an exit status that there is none. */
function find(command: string, cwd: string, path = '/usr/local/bin:/usr/bin:/bin'): string {
  const { accessSync, constants, statSync } = builtin('node:fs');
  const { resolve } = builtin('node:path');
  const isProgram = (file: string): boolean => {
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  };
  const places = command.includes('/') ? [''] : path.split(':');
  const found = places.map((place) => resolve(cwd, place, command)).find(isProgram);
  if (found !== undefined) return found;
  throw errorFrom(
    new Error(`readyup/testing: there is no program "${command}"${command.includes('/') ? '' : ' in PATH'}`),
    'ENOENT',
  );
}
