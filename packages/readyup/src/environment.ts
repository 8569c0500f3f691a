// What the manager tells through the environment. Internal, but for the type.

import { calling } from './errors';
import { native } from './native';

/** A descriptor that the manager passed. */
export interface PassedFd {
  /** Its number, for `server.listen({ fd })` and the like. It is close-on-exec. */
  fd: number;
  /** Its name: `FileDescriptorName=` of the socket unit, or that under which it was stored. */
  name: string;
}

/**
 * Whether the machine was booted with systemd.
 * @internal
 */
export function booted(): boolean {
  try {
    return native()?.booted() ?? false;
  } catch {
    // Without the addon there is no way to know; and nothing to be lost.
    return false;
  }
}

/**
 * The watchdog's period in milliseconds; undefined where none is set on this process.
 * @internal
 */
export function watchdogPeriod(): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID } = process.env;
  if (WATCHDOG_USEC === undefined) return undefined;
  return calling(() => native()?.watchdogPeriod(WATCHDOG_USEC, WATCHDOG_PID));
}

/**
 * The descriptors that the manager passed to this process.
 * @internal
 */
export function passedFds(): PassedFd[] {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PIDFDID } = process.env;
  if (LISTEN_PID === undefined || LISTEN_FDS === undefined) return [];
  const flat = calling(() => native()?.listenFds(LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PIDFDID)) ?? [];
  const passed: PassedFd[] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) {
    passed.push({ fd: flat[index] as number, name: flat[index + 1] as string });
  }
  return passed;
}
