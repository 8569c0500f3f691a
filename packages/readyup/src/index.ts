/**
 * Tell systemd, or whichever manager set `NOTIFY_SOCKET`, when your service is ready, alive, reloading and stopping.
 *
 * Without a manager (in development, on macOS and Windows) everything works and answers `false`.
 *
 * @example
 * import { createServer } from 'node:http';
 * import { ready, stopping, watchdog } from 'readyup';
 *
 * const server = createServer((request, response) => response.end('hello\n'));
 * server.listen(8080, () => ready('Serving on :8080'));
 * watchdog.start();
 * process.on('SIGTERM', () => {
 *   stopping().finally(() => server.close());
 * });
 *
 * @packageDocumentation
 */

import { type PassedFd } from './environment';
import { type Fields } from './fields';
import { type Attachments, ambient } from './notifier';
import { type Watchdog } from './watchdog';

export type { PassedFd } from './environment';
export type { Fields } from './fields';
export type { Hang, HangOptions } from './hang';
export { Journal, type JournalFields, type JournalOptions, type JournalValue, type Priority, journal } from './journal';
export { LoopMonitor, type LoopState } from './loop';
export { type Attachments, DEFAULT_TIMEOUT, Notifier, type NotifierOptions } from './notifier';
export {
  type SdNotifyOptions,
  type SdOptions,
  sd_booted,
  sd_listen_fds,
  sd_notify,
  sd_notify_barrier,
  sd_pid_notify,
  sd_pid_notify_with_fds,
  sd_watchdog_enabled,
} from './sd';
export type { Watchdog, WatchdogOptions } from './watchdog';

/** {@inheritDoc Notifier.ready} */
export const ready = (status?: string): Promise<boolean> => ambient.ready(status);
/** {@inheritDoc Notifier.status} */
export const status = (text: string): Promise<boolean> => ambient.status(text);
/** {@inheritDoc Notifier.reloading} */
export const reloading = (status?: string): Promise<boolean> => ambient.reloading(status);
/** {@inheritDoc Notifier.stopping} */
export const stopping = (status?: string): Promise<boolean> => ambient.stopping(status);
/** {@inheritDoc Notifier.extendTimeout} */
export const extendTimeout = (ms: number): Promise<boolean> => ambient.extendTimeout(ms);
/** {@inheritDoc Notifier.mainPid} */
export const mainPid = (pid: number): Promise<boolean> => ambient.mainPid(pid);
/** {@inheritDoc Notifier.notify} */
export const notify = (fields: Fields, attachments?: Attachments): Promise<boolean> =>
  ambient.notify(fields, attachments);
/** {@inheritDoc Notifier.send} */
export const send = (state: string, attachments?: Attachments): Promise<boolean> => ambient.send(state, attachments);
/** {@inheritDoc Notifier.barrier} */
export const barrier = (ms?: number): Promise<boolean> => ambient.barrier(ms);
/** {@inheritDoc Notifier.listenFds} */
export const listenFds = (): PassedFd[] => ambient.listenFds();
/** {@inheritDoc Notifier.storeFds} */
export const storeFds = (name: string, fds: readonly number[], options?: { poll?: false }): Promise<boolean> =>
  ambient.storeFds(name, fds, options);
/** {@inheritDoc Notifier.removeFds} */
export const removeFds = (name: string): Promise<boolean> => ambient.removeFds(name);
/** {@inheritDoc Notifier.watchdog} */
export const watchdog: Watchdog = ambient.watchdog;
