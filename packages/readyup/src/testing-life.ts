// The judge: a service's life as systemd runs it. It is the Rust library's, as WebAssembly. Internal.

import { builtin } from './builtin';
import { typeError } from './errors';
import { type Setting } from './testing-unit';

// Of `WebAssembly`, what is used; the compiler's own types for it are those of browsers.
interface Engine {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: unknown };
}

/** See the crate `readyup-wasm` for what they do. All but the first two return the length of an answer. */
interface Exports {
  memory: { buffer: ArrayBuffer };
  input(): number;
  output(): number;
  set(length: number, value: number): number;
  configure(): number;
  start(now: number): number;
  stop(now: number): number;
  reload(now: number): number;
  deadline(now: number): number;
  spawned(pid: number, now: number): number;
  spawn_failed(now: number): number;
  exited(pid: number, status: number, now: number): number;
  gone(pid: number, now: number): number;
  others(thereAre: number, now: number): number;
  handles_reload_signal(handles: number): number;
  open(filled: number, length: number, pid: number, fds: number, truncated: number): number;
  named(length: number): number;
  with_fd(key: number): number;
  with_named(pid: number, ofUnit: number, ownChild: number): number;
  message(length: number, pid: number, uid: number, now: number): number;
}

/** One line of an answer. */
export type Line = readonly [name: string, value: string];

/** Steps that need no more than the time. */
export type Step = 'start' | 'stop' | 'reload' | 'deadline' | 'spawn_failed';

/** A process that a message names, as it is found. */
export interface Named {
  pid: number;
  ofUnit: boolean;
  ownChild: boolean;
}

/** How much the judge takes at once: a message as long as it may be, and a byte more. */
export const INPUT_SIZE = 4097;

let compiled: object | undefined;

/** One service's life. What its steps answer is what a manager does next; properties are those of `systemctl show`. */
export class Life {
  readonly #exports: Exports;
  readonly #decoder = new (builtin('node:util').TextDecoder)();
  #properties: ReadonlyMap<string, string> = new Map();
  #stored: readonly string[] = [];

  constructor(settings: readonly Setting[]) {
    const { Module, Instance } = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;
    // Beside the addons.
    compiled ??= new Module(
      builtin('node:fs').readFileSync(builtin('node:path').join(__dirname, '../native/service.wasm')),
    );
    this.#exports = new Instance(compiled, {}).exports as Exports;
    for (const [name, value] of settings) {
      const text = new (builtin('node:util').TextEncoder)().encode(
        typeof value === 'string' ? `${name}=${value}` : name,
      );
      this.#write(text);
      if (this.#exports.set(text.length, Number(value)) > 0)
        throw typeError(`readyup/testing: ${name}=${value} is no setting`);
    }
    this.#answer(this.#exports.configure());
  }

  /** A property by its name; '' if it has none. */
  property(name: string): string {
    return this.#properties.get(name) ?? '';
  }

  /** The names in the fd store. */
  get stored(): readonly string[] {
    return this.#stored;
  }

  /** Until when the manager waits; nothing happens before. */
  get deadline(): number {
    return Number(this.#properties.get('deadline') ?? Infinity);
  }

  step(step: Step, now: number): Line[] {
    return this.#answer(this.#exports[step](now));
  }

  spawned(pid: number, now: number): Line[] {
    return this.#answer(this.#exports.spawned(pid, now));
  }

  /** The child has ended, with an exit status or by a signal. */
  exited(pid: number, code: number | null, signal: number, now: number): Line[] {
    return this.#answer(this.#exports.exited(pid, code ?? -signal, now));
  }

  gone(pid: number, now: number): Line[] {
    return this.#answer(this.#exports.gone(pid, now));
  }

  others(thereAre: boolean, now: number): Line[] {
    return this.#answer(this.#exports.others(Number(thereAre), now));
  }

  handlesReloadSignal(handles: boolean): void {
    this.#exports.handles_reload_signal(Number(handles));
  }

  /** Takes in a datagram and says what it is: a message (1 if its descriptors are wanted), a barrier, or dropped. */
  open(bytes: Uint8Array, length: number, pid: number, fds: number, truncated: boolean): Line {
    this.#write(bytes);
    return this.#read(this.#exports.open(bytes.length, length, pid, fds, Number(truncated)))[0] as Line;
  }

  /** Which process the message names as the main process. */
  named(bytes: Uint8Array): Line | undefined {
    this.#write(bytes);
    return this.#read(this.#exports.named(bytes.length))[0];
  }

  message(
    bytes: Uint8Array,
    pid: number,
    uid: number,
    fds: readonly number[],
    named: Named | undefined,
    now: number,
  ): Line[] {
    this.#write(bytes);
    fds.forEach((key) => this.#exports.with_fd(key));
    if (named !== undefined) this.#exports.with_named(named.pid, Number(named.ofUnit), Number(named.ownChild));
    return this.#answer(this.#exports.message(bytes.length, pid, uid, now));
  }

  #write(bytes: Uint8Array): void {
    if (bytes.length > INPUT_SIZE) throw typeError('readyup/testing: an option is too long');
    // First the call: the memory is another one when it has grown.
    const place = this.#exports.input();
    new Uint8Array(this.#exports.memory.buffer, place, bytes.length).set(bytes);
  }

  #read(length: number): Line[] {
    const place = this.#exports.output();
    const text = this.#decoder.decode(new Uint8Array(this.#exports.memory.buffer, place, length));
    return text.split('\n').flatMap((line): Line[] => {
      const place = line.indexOf('=');
      return place < 0 ? [] : [[line.slice(0, place), line.slice(place + 1)]];
    });
  }

  /** Reads what is to be done, and keeps the properties, whose names begin with capitals. */
  #answer(length: number): Line[] {
    const lines = this.#read(length);
    const isEffect = ([name]: Line): boolean => /^[a-z]/.test(name) && name !== 'deadline' && name !== 'stored';
    if (lines.some(([name]) => name === 'ActiveState')) {
      this.#properties = new Map(lines.filter((line) => !isEffect(line)));
      this.#stored = lines.filter(([name]) => name === 'stored').map(([, value]) => value);
    }
    return lines.filter(isEffect);
  }
}
