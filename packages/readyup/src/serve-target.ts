// What can be served, by its shape: no framework is loaded to find out. Internal.

import { Server as HttpServer, createServer } from 'node:http';
import { Server } from 'node:net';
import { typeError } from './errors';
import { type Handler, type ServeTarget } from './serve-options';

/** A server, and what its framework wants to be asked for. */
export interface Target {
  readonly server: Server;
  /** To be done before it listens. */
  prepare(): Promise<void>;
  /** To be done once all its connections are closed. */
  close(): Promise<void>;
}

type Has = { readonly [name: string]: unknown };
type Method = (...parameters: unknown[]) => unknown;

/** The server in `target`, or for it. */
export function targetOf(target: ServeTarget): Target {
  if (isServer(target)) return plain(target);
  // An Express application is a function with many properties, some of which others have as well.
  if (typeof target === 'function') return plain(createServer(target as Handler));
  if (typeof target !== 'object' || target === null) throw unknownTarget();
  const app = target as unknown as Has;
  const call = async (name: string): Promise<void> => {
    await (app[name] as Method).call(app);
  };
  if (has(app, 'callback')) return plain(createServer((app['callback'] as Method).call(app) as Handler));
  if (has(app, 'init') && has(app, 'getHttpServer') && has(app, 'close')) {
    const server = (app['getHttpServer'] as Method).call(app);
    if (!isServer(server)) throw unknownTarget();
    return { server, prepare: () => call('init').then(() => inner(app)), close: () => call('close') };
  }
  if (isServer(app['server']) && has(app, 'ready') && has(app, 'close')) {
    return { server: app['server'], prepare: () => call('ready'), close: () => call('close') };
  }
  throw unknownTarget();
}

/** In Bun, a server of node:http or node:https is none of node:net. */
function isServer(value: unknown): value is Server {
  return value instanceof Server || value instanceof HttpServer;
}

function plain(server: Server): Target {
  return { server, prepare: async () => {}, close: async () => {} };
}

/** NestJS on Fastify: the application within has to be made ready, too. */
async function inner(app: Has): Promise<void> {
  const adapter = has(app, 'getHttpAdapter') ? ((app['getHttpAdapter'] as Method).call(app) as Has) : undefined;
  const instance =
    adapter && has(adapter, 'getInstance') ? (adapter['getInstance'] as Method).call(adapter) : undefined;
  // Express' is a function, and has nothing to wait for.
  if (typeof instance === 'object' && instance !== null && has(instance as Has, 'ready')) {
    await ((instance as Has)['ready'] as Method).call(instance);
  }
}

function has(object: Has, method: string): boolean {
  return typeof object[method] === 'function';
}

function unknownTarget(): TypeError {
  return typeError(
    'there is nothing to serve: give a server of node:http, https, http2 or net, a function that answers requests, ' +
      'or an application of Express, Fastify, Koa or NestJS (for Hono: createAdaptorServer() of @hono/node-server)',
  );
}
