// Nothing outlives the test: whatever way this process ends, services that it started end with it. Internal.

import { type ChildProcess } from 'node:child_process';
import { builtin } from './builtin';

/** What is to be done when this process ends by itself. */
const last = new Set<() => void>();
const atExit = (): void => last.forEach((act) => act());

/** Calls `act` when this process ends by itself, unless the function that it returns is called before. */
export function onExit(act: () => void): () => void {
  if (last.size === 0) process.on('exit', atExit);
  last.add(act);
  return () => {
    last.delete(act);
    if (last.size === 0) process.off('exit', atExit);
  };
}

/**
 * Has the process group killed when this process has ended, be it by a signal that nobody can catch: a shell in a session of
 * its own, which Ctrl-C does not reach, waits for the other end of its pipe to be closed. Undefined where there is no shell.
 */
export function watchOver(group: number): ChildProcess | undefined {
  const script = 'read -r _; kill -s KILL -- "-$0"';
  const watcher = builtin('node:child_process').spawn('/bin/sh', ['-c', script, String(group)], {
    cwd: '/',
    detached: true,
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // There may be no shell, in a container without one.
  watcher.once('error', () => {});
  watcher.stdin?.on('error', () => {});
  // Whether the test goes on is up to the test.
  (watcher.stdin as unknown as { unref?(): void } | null)?.unref?.();
  watcher.unref();
  return watcher.pid === undefined ? undefined : watcher;
}
