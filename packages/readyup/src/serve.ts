/**
 * A server as a service: listens on the socket that the manager passed or on a port, says when it is ready, gives signs
 * of life, reloads, and stops without a client noticing.
 *
 * @example
 * import { createServer } from 'node:http';
 * import { serve } from 'readyup/serve';
 *
 * const server = createServer((request, response) => response.end('hello\n'));
 * await serve(server, { port: 8080 });
 *
 * @packageDocumentation
 */

import { errorFrom } from './errors';
import { ClusterBody, type ClusterOptions } from './serve-cluster';
import { type ServeOptions, type ServeTarget, type Service, duration, settled } from './serve-options';
import { Lifecycle } from './serve-lifecycle';
import { ManagerReport } from './serve-report';
import { ServerBody } from './serve-server';
import { targetOf } from './serve-target';
import { WorkerReport, underPrimary } from './serve-worker';

export type { ClusterOptions } from './serve-cluster';
export type { Handler, LifecycleOptions, ServeOptions, ServeTarget, Service } from './serve-options';

/** What drains here must be done before Docker's 10 seconds are over. */
const DRAIN_TIMEOUT = 8000;
/** A worker is to be done before its primary loses patience. */
const CLUSTER_DRAIN_TIMEOUT = 10_000;
const KEEP_ALIVE_GRACE = 500;

/**
 * Serves, as a service: resolves once the server listens and the manager knows, and rejects when it cannot listen (which
 * the manager is told, too, with `STATUS=` and `ERRNO=`).
 *
 * - It listens on the socket that the manager passed, of a socket unit or the fd store; without one, on the port.
 * - `READY=1` when it listens, with a status that says where; then heartbeats, if the unit has `WatchdogSec=`.
 * - On `SIGTERM` and `SIGINT`: `STOPPING=1`. It stops accepting, closes idle connections, answers what is under way with
 *   `Connection: close`, and ends the process with 0. The rest is cut off after `drainTimeout`. A second signal ends it at
 *   once.
 * - On `SIGHUP`, if there is a `reload` hook: `RELOADING=1`, the hook, `READY=1`, also if the hook fails.
 *
 * All of it works by hand as well, without a manager.
 *
 * @example
 * const service = await serve(app, {
 *   port: 8080,
 *   reload: () => readConfiguration(),
 *   close: () => database.end(),
 * });
 * console.log(`serving on ${service.where}`);
 */
export async function serve(target: ServeTarget, options: ServeOptions = {}): Promise<Service> {
  const all = settled(options, DRAIN_TIMEOUT);
  const grace = duration('keepAliveGrace', options.keepAliveGrace ?? KEEP_ALIVE_GRACE);
  const body = new ServerBody(targetOf(target), all, grace);
  if (!underPrimary()) return new Lifecycle(body, all, new ManagerReport(all)).start();
  const report = new WorkerReport(() => body.where);
  // The primary gets the signal, and passes it on as it thinks fit.
  const lifecycle = new Lifecycle(body, { ...all, reloadSignal: undefined }, report);
  report.obey({ stop: () => lifecycle.end(), reload: () => lifecycle.reload() });
  return lifecycle.start();
}

/**
 * Runs a cluster of workers as a service. Only the primary speaks to the manager: it is ready when all workers listen,
 * gives signs of life only as long as each of them does, and stops them all. Workers call `serve`, which tells the primary.
 * One that ends is replaced; a reload replaces all of them, one after the other, without a moment of fewer.
 *
 * @example
 * import cluster from 'node:cluster';
 * import { availableParallelism } from 'node:os';
 * import { serve, serveCluster } from 'readyup/serve';
 *
 * if (cluster.isPrimary) {
 *   await serveCluster({ workers: availableParallelism() });
 * } else {
 *   await serve(app, { port: 8080 });
 * }
 */
export async function serveCluster(options: ClusterOptions): Promise<Service> {
  const all = settled(options, CLUSTER_DRAIN_TIMEOUT);
  if (!Number.isInteger(options.workers) || options.workers < 1) {
    throw errorFrom(new RangeError('"workers" must be a whole number above 0'), 'ERR_OUT_OF_RANGE');
  }
  const body = new ClusterBody(all);
  if (all.watchdog !== false) {
    const own = all.watchdog === true ? {} : all.watchdog;
    const check = async (): Promise<unknown> => {
      await body.check();
      return own.check?.();
    };
    all.watchdog = { ...own, check };
  }
  return new Lifecycle(body, all, new ManagerReport(all)).start();
}
