import { Channel } from './channel';
import { looseEnd, typeError } from './errors';
import { type Sender, native } from './native';
import { DEFAULT_TIMEOUT, milliseconds } from './notifier';

/**
 * How important an entry is: 0 to 7, as in C, or its name: `emerg` (or `emergency`), `alert`, `crit` (`critical`), `err`
 * (`error`), `warning` (`warn`), `notice`, `info`, `debug`.
 */
export type Priority = number | keyof typeof PRIORITIES;

/**
 * The fields of an entry. Names are of `A` to `Z`, `0` to `9` and `_`, the first a letter, at most 64 characters.
 * An array gives a field several values. What is undefined is left out.
 *
 * Those with a meaning are listed in
 * [systemd.journal-fields(7)](https://www.freedesktop.org/software/systemd/man/latest/systemd.journal-fields.html).
 */
export interface JournalFields {
  /** The text for people, of as many lines as you like. */
  MESSAGE?: JournalValue;
  /** How important it is. */
  PRIORITY?: Priority;
  /** What stands before the text. Default: the program's name. */
  SYSLOG_IDENTIFIER?: string;
  [name: string]: JournalValue | readonly JournalValue[] | undefined;
}

/** A field's value. Bytes are as good as text. */
export type JournalValue = string | number | bigint | boolean | Uint8Array;

/** How to make a `Journal`. */
export interface JournalOptions {
  /** Where the journal listens. Default: `/run/systemd/journal/socket`. */
  socket?: string;
  /** How long an entry waits for room in the journal's queue, in milliseconds. 0: not at all. Default: 5000. */
  timeout?: number;
  /** `SYSLOG_IDENTIFIER` of entries that have none. Default: the program's name, as in C. */
  identifier?: string;
}

const PRIORITIES = {
  emerg: 0,
  emergency: 0,
  alert: 1,
  crit: 2,
  critical: 2,
  err: 3,
  error: 3,
  warning: 4,
  warn: 4,
  notice: 5,
  info: 6,
  debug: 7,
} as const;

/** The name by which the program was called. */
const PROGRAM = process.argv0.slice(process.argv0.lastIndexOf('/') + 1);

/**
 * Writes to the journal:
 * [sd_journal_print(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_journal_print.html).
 *
 * Each call is one entry, whatever lines it has. It is handed over before the call returns, unless the journal's queue
 * is full: then it waits, in order, up to `timeout`, and the event loop is not held. The promise resolves to true once
 * it was sent, to false where there is no journal. It rejects with `EAGAIN` when the queue was full for that long, with
 * `EINVAL` for a name that is none, and with a `TypeError` (`ERR_INVALID_ARG_TYPE`) for a value or priority that is none.
 *
 * @example
 * await journal.print('warning', 'The disk is 90 % full');
 */
export class Journal {
  readonly #channel: () => Channel<Sender>;
  readonly #timeout: number;
  readonly #identifier: string;

  /** Throws when `socket` is no address (`EINVAL`). Whether somebody listens there is seen at the first entry. */
  constructor(options: JournalOptions = {}) {
    const { socket, timeout = DEFAULT_TIMEOUT, identifier = PROGRAM } = options;
    if (socket !== undefined && typeof socket !== 'string') throw typeError('"socket" must be a string');
    if (typeof identifier !== 'string') throw typeError('"identifier" must be a string');
    this.#timeout = milliseconds('timeout', timeout);
    this.#identifier = identifier;
    let channel: Channel<Sender> | undefined;
    this.#channel = () => (channel ??= new Channel(() => native()?.openJournal(socket) ?? null, 'the journal'));
    // An address that is none is no surprise for later.
    if (socket !== undefined) this.#channel();
  }

  /**
   * Writes a text. It is taken as it is: line feeds and per cent signs have no meaning. See
   * [sd_journal_print(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_journal_print.html).
   *
   * @example
   * await journal.print('error', error.stack);
   */
  print(priority: Priority, text: string): Promise<boolean> {
    return looseEnd(this.#print(priority, text));
  }

  async #print(priority: Priority, text: string): Promise<boolean> {
    if (typeof text !== 'string') throw typeError('the text must be a string');
    return this.#send({ MESSAGE: text, PRIORITY: level(priority) });
  }

  /**
   * Writes an entry of several fields:
   * [sd_journal_send(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_journal_print.html).
   *
   * @example
   * await journal.send({ MESSAGE: 'Signed in', PRIORITY: 'notice', ACME_USER: 'chris' });
   */
  send(fields: JournalFields): Promise<boolean> {
    return looseEnd(this.#send(fields));
  }

  async #send(fields: JournalFields): Promise<boolean> {
    if (typeof fields !== 'object' || fields === null) throw typeError('the fields must be an object');
    const flat: Uint8Array[] = [];
    let size = 0;
    const add = (name: string, value: unknown): void => {
      if (value === undefined) return;
      const bytes = name === 'PRIORITY' ? Buffer.from(String(level(value as Priority))) : encoded(name, value);
      flat.push(Buffer.from(name), bytes);
      size += name.length + bytes.length;
    };
    for (const [name, value] of Object.entries(fields)) {
      if (Array.isArray(value)) for (const one of value) add(name, one);
      else add(name, value);
    }
    if (flat.length > 0 && fields.SYSLOG_IDENTIFIER === undefined) add('SYSLOG_IDENTIFIER', this.#identifier);
    return this.#channel().send((handle) => handOver(handle, flat), size, this.#timeout);
  }

  /** Closes the socket, once what waits for it is done. Entries after that resolve to false. */
  close(): void {
    this.#channel().close();
  }
}

/** The journal of this machine. */
export const journal = new Journal();

function handOver(handle: Sender, fields: readonly Uint8Array[]): number {
  try {
    return handle.send(fields);
  } catch (error) {
    // What is wrong with an entry is found before any system call.
    (error as NodeJS.ErrnoException).syscall ??= 'sd_journal_send';
    throw error;
  }
}

/** The number of a priority. */
function level(priority: Priority): number {
  const number =
    typeof priority === 'string' && Object.hasOwn(PRIORITIES, priority) ? PRIORITIES[priority] : Number(priority);
  if (!Number.isInteger(number) || number < 0 || number > 7 || typeof priority === 'object') {
    throw typeError(`a priority must be 0 to 7, or one of ${Object.keys(PRIORITIES).join(', ')}`);
  }
  return number;
}

/** A value's bytes: always a copy, which nobody changes while it waits. */
function encoded(name: string, value: unknown): Uint8Array {
  switch (typeof value) {
    case 'string':
      return Buffer.from(value);
    case 'number':
    case 'bigint':
    case 'boolean':
      return Buffer.from(String(value));
    default:
      if (value instanceof Uint8Array) return Buffer.from(value);
      throw typeError(`"${name}" must be a string, a number, a boolean or bytes`);
  }
}
