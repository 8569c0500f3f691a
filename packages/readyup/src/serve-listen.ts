// Where to listen, and listening there. Internal.

import cluster from 'node:cluster';
import { type AddressInfo, type ListenOptions, Server, isIP } from 'node:net';
import { type PassedFd } from './environment';
import { errorFrom, typeError } from './errors';
import { type ServeOptions as Options } from './serve-options';
import { type Notifier } from './notifier';

/** The name in the fd store, where none is given. */
const STORED = 'listen';

/** What of the options is about listening. */
type ServeOptions = Pick<Options, 'port' | 'host' | 'path' | 'backlog' | 'name' | 'store'>;

/** Listens as the options say. Resolves to a text for humans that says where. */
export async function listen(server: Server, options: ServeOptions, notifier: Notifier): Promise<string> {
  if (server.listening) return whereOf(server);
  if (options.store === true) {
    if (options.path !== undefined) {
      // The file goes with the process that made it, and a socket without one is of no use.
      throw typeError('a Unix socket cannot be stored: its path goes with the process; use a socket unit');
    }
    if (cluster.isWorker) throw typeError('a worker of a cluster has no socket of its own to store; use a socket unit');
  }
  const passed = options.name === false ? undefined : passedFd(options, notifier);
  if (passed !== undefined) {
    if (!(server instanceof Server)) {
      // It would listen on any port there is, and say that all is well.
      throw errorFrom(new Error("a server of Bun's node:http cannot listen on a passed socket"), 'ENOTSUP');
    }
    await started(server, { fd: passed.fd, ...backlogOf(options) });
    if (options.store !== true || isAsked(server.address(), options)) {
      return `${whereOf(server, passed)}, a passed socket`;
    }
    // Stored by an earlier run, with another configuration.
    await closed(server);
    await notifier.removeFds(passed.name);
  }
  await started(server, asked(options));
  if (options.store === true) await notifier.storeFds(options.name || STORED, [descriptor(server)]);
  return whereOf(server);
}

function passedFd({ name, store }: ServeOptions, notifier: Notifier): PassedFd | undefined {
  const wanted = name === undefined && store === true ? STORED : name;
  const all = cluster.isWorker ? passedToPrimary() : notifier.listenFds();
  const found = wanted === undefined ? all : all.filter((passed) => passed.name === wanted);
  if (found.length > 1) {
    const names = found.map((passed) => `"${passed.name}"`).join(', ');
    throw typeError(
      `${found.length} descriptors were passed that could be meant: ${names}; a server listens on one: give each a name ` +
        'of its own (FileDescriptorName=), and serve the one of a "name"',
    );
  }
  return found[0];
}

/**
 * What was passed to the primary of the cluster. It is the primary that opens what its workers listen on, so that the
 * numbers are the right ones, although the descriptors are not there in the worker.
 */
function passedToPrimary(): PassedFd[] {
  const { LISTEN_PID, LISTEN_FDS = '', LISTEN_FDNAMES = '' } = process.env;
  if (LISTEN_PID !== String(process.ppid) || !/^[0-9]{1,3}$/.test(LISTEN_FDS)) return [];
  const names = LISTEN_FDNAMES === '' ? [] : LISTEN_FDNAMES.split(':');
  return Array.from({ length: Number(LISTEN_FDS) }, (_, index) => ({ fd: 3 + index, name: names[index] ?? 'unknown' }));
}

function asked(options: ServeOptions): ListenOptions {
  const { path, port, host } = options;
  if (path !== undefined) return { path, ...backlogOf(options) };
  if (port === undefined || port === '') {
    const which = options.name ? `none named "${options.name}"` : 'none';
    throw typeError(`there is nothing to listen on: ${which} of the manager's sockets, and neither a port nor a path`);
  }
  return { port: Number(port), ...(host === undefined ? {} : { host }), ...backlogOf(options) };
}

function backlogOf({ backlog }: ServeOptions): { backlog?: number } {
  return backlog === undefined ? {} : { backlog };
}

/** Whether a stored socket is the one that the options ask for, as far as that can be told without looking up names. */
function isAsked(address: AddressInfo | string | null, { port, host }: ServeOptions): boolean {
  if (typeof address !== 'object' || address === null) return true;
  const samePort = port === undefined || Number(port) === 0 || Number(port) === address.port;
  return samePort && (host === undefined || isIP(host) === 0 || host === address.address);
}

function started(server: Server, options: ListenOptions & { fd?: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const listening = (): void => {
      server.off('error', failed);
      resolve();
    };
    const failed = (error: unknown): void => {
      server.off('listening', listening);
      reject(error);
    };
    server.once('listening', listening);
    server.once('error', failed);
    try {
      server.listen(options);
    } catch (error) {
      server.off('error', failed);
      failed(error);
    }
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Node has no public name for it. */
function descriptor(server: Server): number {
  const fd = (server as unknown as { _handle?: { fd?: unknown } })._handle?.fd;
  if (typeof fd === 'number' && fd >= 0) return fd;
  throw errorFrom(new Error('this server has no descriptor to store'), 'ENOTSUP');
}

function whereOf(server: Server, passed?: PassedFd): string {
  const address = server.address();
  if (typeof address === 'string' && address !== '') return address;
  if (typeof address === 'object' && address !== null && address.port !== undefined) {
    return address.family.endsWith('6') ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
  }
  // Of a passed Unix socket, Node does not know the path.
  return passed === undefined ? 'a socket' : `"${passed.name}"`;
}
