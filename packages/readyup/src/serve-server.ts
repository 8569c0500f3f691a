// One server as what serves. Internal.

import { type AddressInfo } from 'node:net';
import { Connections } from './serve-drain';
import { type Body } from './serve-lifecycle';
import { listen } from './serve-listen';
import { type ServeOptions, type Settled } from './serve-options';
import { type Target } from './serve-target';

/** One server. */
export class ServerBody implements Body {
  readonly #target: Target;
  readonly #options: Omit<ServeOptions, 'reloadSignal'> & Settled;
  readonly #connections: Connections;
  #ended = false;
  address: AddressInfo | string | null = null;
  where = '';

  constructor(target: Target, options: Omit<ServeOptions, 'reloadSignal'> & Settled, grace: number) {
    this.#target = target;
    this.#options = options;
    this.#connections = new Connections(target.server, grace);
  }

  async start(): Promise<void> {
    await this.#target.prepare();
    // Stopped in the meantime: then it is not to listen any more.
    if (this.#ended) return;
    this.where = await listen(this.#target.server, this.#options, this.#options.notifier);
    this.address = this.#target.server.address();
    if (this.#ended) await this.#connections.drain();
  }

  get reloads(): boolean {
    return this.#options.reload !== undefined;
  }

  async reload(): Promise<void> {
    await this.#options.reload?.();
  }

  drain(): Promise<void> {
    this.#ended = true;
    return this.#connections.drain();
  }

  progress(): number {
    return this.#connections.progress();
  }

  left(): string {
    return connections(this.#connections.count);
  }

  cut(): string {
    return connections(this.#connections.cut());
  }

  async close(): Promise<void> {
    this.#connections.detach();
    await this.#target.close();
  }

  async abort(): Promise<void> {
    const { server } = this.#target;
    if (server.listening) {
      const drained = this.#connections.drain();
      this.#connections.cut();
      await drained;
    }
    // What failed is told; that it fails once more, when it is closed, is no news.
    await this.close().catch(() => {});
  }
}

function connections(count: number): string {
  return count === 0 ? '' : count === 1 ? '1 connection' : `${count} connections`;
}
