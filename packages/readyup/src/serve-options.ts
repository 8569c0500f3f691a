// What `serve` and `serveCluster` can be told, and what holds where nothing is said. Internal, but for the types.

import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, type Server } from 'node:net';
import { errorFrom, typeError } from './errors';
import { Notifier } from './index';
import { type WatchdogOptions } from './watchdog';

/** A function that answers requests: an Express application, or what `http.createServer` takes. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** What can be served. */
export type ServeTarget =
  /** A server of `node:http`, `node:https`, `node:http2`, `node:net` or `node:tls`; Hono's `createAdaptorServer()`. */
  | Server
  | Handler
  /** A Koa application. */
  | {
      /** Makes the function that answers requests. */
      callback(): Handler;
    }
  /** A Fastify instance. */
  | {
      /** What it answers with. */
      readonly server: Server;
      /** Called before it listens. */
      ready(): PromiseLike<unknown>;
      /** Called once everything is answered. */
      close(): PromiseLike<unknown>;
    }
  /** A NestJS application. */
  | {
      /** Called before it listens. */
      init(): PromiseLike<unknown>;
      /** The server of `node:http` that it answers with. */
      getHttpServer(): unknown;
      /** Called once everything is answered. */
      close(): PromiseLike<unknown>;
    };

/** What services and clusters have in common. Times are in milliseconds. */
export interface LifecycleOptions {
  /**
   * What the status says: `false` for nothing, or a function of where the service listens. Default: `Serving on …`, and
   * what is going on while it reloads and stops.
   */
  status?: boolean | ((where: string) => string);
  /** Send heartbeats if the unit asks for them, with these options of `watchdog.start`. `false`: don't. */
  watchdog?: boolean | WatchdogOptions;
  /** Handle the signals below. Default: true. */
  signals?: boolean;
  /** Those that stop the service. Default: `SIGTERM` and `SIGINT`. A second one ends it at once. */
  stopSignals?: readonly NodeJS.Signals[];
  /** The one that makes it reload, if there is something to reload. Default: `SIGHUP`. */
  reloadSignal?: NodeJS.Signals;
  /** End the process once a signal has stopped the service. Default: true. (`stop()` never does.) */
  exit?: boolean;
  /**
   * How long what is under way may take when the service stops; then it is cut off. So long may each of the hooks below
   * take, too. Default: 8000, which is less than what Docker grants; for a cluster 10,000, so that its workers are first.
   */
  drainTimeout?: number;
  /** Called once `READY=1` was sent. If it fails, so does `serve`. */
  onReady?: () => unknown;
  /** Called when the service is to stop, and waited for before it stops accepting. */
  onStopping?: () => unknown;
  /** Called when everything is answered: close databases and the like. The process ends after that. */
  close?: () => unknown;
  /** Reads the configuration anew. Also if it fails the service is ready again, with the configuration that it had. */
  reload?: () => unknown;
  /** Told what went wrong where there is nobody to throw it at. Default: `console.error`. */
  onError?: (error: unknown) => void;
  /** Tells the manager. Default: what the functions of `readyup` use. */
  notifier?: Notifier;
}

/** How to serve. */
export interface ServeOptions extends LifecycleOptions {
  /** Listen on this port, unless the manager passed a socket. 0: one that is free. */
  port?: number | string;
  /** Listen on this address. Default: all of them. */
  host?: string;
  /** Listen on a Unix socket at this path, rather than on a port. */
  path?: string;
  /** How many connections may wait to be accepted. */
  backlog?: number;
  /**
   * Listen on the descriptor that the manager passes under this name (`FileDescriptorName=`; by default that is the name
   * of the socket unit). Default: on the only one there is. Without one: on `port` or `path`. `false`: always on those.
   */
  name?: string | false;
  /**
   * Keep the socket in the manager's fd store under `name` (default: `listen`), so that clients can connect while the
   * service restarts. The unit needs `FileDescriptorStoreMax=`. For ports only; a Unix socket wants a socket unit.
   */
  store?: boolean;
  /**
   * How long a connection must have been unused to be closed at once when the service stops. One that was used since may
   * well be about to bring its next request, which is then answered with `Connection: close`: no client sees an error.
   * Default: 500.
   */
  keepAliveGrace?: number;
}

/** A running service. */
export interface Service {
  /** Where the server listens, as `server.address()` tells. */
  readonly address: AddressInfo | string | null;
  /** The same for humans: `127.0.0.1:8080`. */
  readonly where: string;
  /** Stops it as a signal does, but leaves the process alone. Resolves when everything is closed. */
  stop(): Promise<void>;
  /** Reloads it as a signal does. Rejects with what the `reload` hook failed with. */
  reload(): Promise<void>;
  /** Resolves once it has stopped, whyever it did; rejects when a hook failed on the way. */
  readonly stopped: Promise<void>;
}

/**
 * The options of which there is always one; but for the signal that workers don't get.
 * @internal
 */
export type Settled = Omit<LifecycleOptions, 'reloadSignal'> & { reloadSignal: NodeJS.Signals | undefined } & Required<
    Pick<
      LifecycleOptions,
      'status' | 'watchdog' | 'signals' | 'stopSignals' | 'exit' | 'drainTimeout' | 'onError' | 'notifier'
    >
  >;

/**
 * The options, with what holds where nothing is said.
 * @internal
 */
export function settled<T extends LifecycleOptions>(
  options: T,
  drainTimeout: number,
): Omit<T, 'reloadSignal'> & Settled {
  if (typeof options !== 'object' || options === null) throw typeError('the options must be an object');
  for (const name of ['onReady', 'onStopping', 'close', 'reload', 'onError'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw typeError(`"${name}" must be a function`);
  }
  return {
    ...options,
    status: options.status ?? true,
    watchdog: options.watchdog ?? true,
    signals: options.signals ?? true,
    stopSignals: options.stopSignals ?? ['SIGTERM', 'SIGINT'],
    reloadSignal: options.reloadSignal ?? 'SIGHUP',
    exit: options.exit ?? true,
    drainTimeout: duration('drainTimeout', options.drainTimeout ?? drainTimeout),
    onError: options.onError ?? ((error) => console.error(error)),
    notifier: options.notifier ?? Notifier.ambient,
  };
}

/**
 * A time that a timer can have.
 * @internal
 */
export function duration(name: string, value: number): number {
  if (typeof value !== 'number' || !(value >= 0)) {
    throw errorFrom(new RangeError(`"${name}" must be a number of milliseconds`), 'ERR_OUT_OF_RANGE');
  }
  return Math.min(value, 0x7fffffff);
}
