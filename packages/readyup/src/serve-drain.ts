// The connections of a server, and how they come to an end without any client noticing. Internal.

import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type ServerHttp2Session } from 'node:http2';
import { type Socket, Server } from 'node:net';

/** The largest stream identifier: said first, it means that what is on its way is still welcome. */
const ANY_STREAM = 2 ** 31 - 1;

/** What is known of one connection. */
interface Use {
  /** It speaks HTTP/1, so that one can tell when it is idle. */
  http: boolean;
  /** What is not answered yet. */
  responses: Set<ServerResponse>;
  /** How much it had brought when it was last known to be idle. If it is more by now, a request is being received. */
  bytes: number;
  /** Since when it is idle, on the clock of `performance.now()`. */
  since: number;
}

/** The connections of a server. */
export class Connections {
  readonly #server: Server;
  readonly #grace: number;
  readonly #uses = new Map<Socket, Use>();
  /** TLS connections without their encryption; before the handshake is over there is nothing else to cut. */
  readonly #raw = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #http: boolean;
  readonly #listeners: [event: string, listener: (...parameters: never[]) => void][] = [];
  #ended = 0;
  #draining = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(server: Server, grace: number) {
    this.#server = server;
    this.#grace = grace;
    // Bun tells of a connection when there is a request, or an upgrade, and counts no bytes.
    this.#http = server instanceof Server && 'headersTimeout' in server && !('updateSettings' in server);
    const tls = 'setSecureContext' in server;
    this.#on('connection', (socket: Socket) => (tls ? this.#follow(this.#raw, socket) : this.#connected(socket)));
    if (tls) this.#on('secureConnection', (socket: Socket) => this.#connected(socket));
    this.#on('session', (session: ServerHttp2Session) => this.#opened(session));
    this.#on('request', this.#requested);
    // Listening for these changes what Node does, unless somebody does already; then there is no 'request'.
    for (const event of ['checkContinue', 'checkExpectation']) {
      if (server.listenerCount(event) > 0) this.#on(event, this.#requested);
    }
  }

  /** How many connections there are. */
  get count(): number {
    return Math.max(this.#uses.size, this.#raw.size);
  }

  /** A number that changes whenever something moves. */
  progress(): number {
    let bytes = this.#ended;
    for (const socket of this.#uses.keys()) bytes += socket.bytesRead + socket.bytesWritten;
    return bytes;
  }

  /** Stops accepting, lets what is under way come to its end, and resolves when no connection is left. */
  async drain(): Promise<void> {
    this.#draining = true;
    const closed = new Promise<void>((resolve) => {
      // That of http.Server closes idle connections regardless of what is about to come in. (Bun's does not, and is no
      // other one's.)
      const { close } = this.#server instanceof Server ? Server.prototype : this.#server;
      close.call(this.#server, () => resolve());
    });
    for (const use of this.#uses.values()) for (const response of use.responses) last(response);
    for (const session of this.#sessions) this.#wind(session);
    this.#sweep();
    await closed;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // It is closed already; but what http.Server has of timers goes only by its own.
    this.#server.close(() => {});
  }

  /** Cuts off what is left, and tells how many connections that were. */
  cut(): number {
    const { count } = this;
    for (const session of this.#sessions) session.destroy();
    for (const socket of [...this.#uses.keys(), ...this.#raw]) socket.destroy();
    // Of those that were there before anybody looked.
    (this.#server as { closeAllConnections?: () => void }).closeAllConnections?.();
    return count;
  }

  /** Takes its listeners off the server. */
  detach(): void {
    clearTimeout(this.#timer);
    for (const [event, listener] of this.#listeners) this.#server.off(event, listener as () => void);
    this.#listeners.length = 0;
  }

  #on(event: string, listener: (...parameters: never[]) => void): void {
    this.#listeners.push([event, listener]);
    // First, so that what the program answers at once is seen, too.
    this.#server.prependListener(event, listener as () => void);
  }

  #follow(set: Set<Socket>, socket: Socket): void {
    set.add(socket);
    socket.once('close', () => set.delete(socket));
  }

  #connected(socket: Socket): void {
    const use = {
      http: this.#http,
      responses: new Set<ServerResponse>(),
      bytes: socket.bytesRead,
      since: performance.now(),
    };
    this.#uses.set(socket, use);
    socket.once('close', () => {
      this.#uses.delete(socket);
      this.#ended += 1;
    });
  }

  readonly #requested = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.httpVersionMajor >= 2) return;
    const { socket } = request;
    const use = this.#uses.get(socket);
    if (use === undefined) return;
    use.http = true;
    use.responses.add(response);
    if (this.#draining) last(response);
    const idle = (): void => {
      use.bytes = socket.bytesRead;
      use.since = performance.now();
    };
    response.once('close', () => {
      use.responses.delete(response);
      this.#ended += 1;
      idle();
      // What is answered need not have been received to its end.
      if (!request.complete) request.once('close', idle);
    });
  };

  #opened(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
    if (this.#draining) this.#wind(session);
  }

  /** Ends an HTTP/2 session in two steps: no more, please; and, once that must have arrived: no more. */
  #wind(session: ServerHttp2Session): void {
    if (session.destroyed || session.closed) return;
    session.goaway(0, ANY_STREAM);
    const timer = setTimeout(() => {
      if (!session.destroyed && !session.closed) session.close();
    }, this.#grace);
    session.once('close', () => clearTimeout(timer));
  }

  /** Closes what is idle for long enough, again and again. */
  #sweep(): void {
    // After Node has read what there is to read: what has arrived is answered.
    setImmediate(() => {
      let next = this.#grace;
      const now = performance.now();
      for (const [socket, use] of this.#uses) {
        if (!use.http || use.responses.size > 0 || socket.bytesRead !== use.bytes) continue;
        const left = use.since + this.#grace - now;
        if (left <= 0) socket.destroySoon();
        else next = Math.min(next, left);
      }
      if (this.#draining && this.#listeners.length > 0 && this.#uses.size > 0) {
        this.#timer = setTimeout(() => this.#sweep(), Math.max(next, 5));
      }
    });
  }
}

/** Makes it the last response on its connection, if the client can still be told. */
function last(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}
