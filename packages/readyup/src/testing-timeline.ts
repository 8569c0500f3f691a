// What happens to a service under test, as data and as text. Internal, but for the types.

/** A datagram that came in: a message, or something that a manager drops. */
export interface ReceivedMessage {
  /** What it says, as text. */
  readonly text: string;
  /** Its lines by their keys; of a key that is there twice, the first one. */
  readonly fields: Readonly<Record<string, string>>;
  /** The sender. */
  readonly pid: number;
  /** The sender's name; '' if it was gone before it could be looked up. */
  readonly command: string;
  /** Whether the sender was the main process. */
  readonly main: boolean;
  /** When it came: milliseconds since the service was started. */
  readonly at: number;
  /** How many descriptors came with it. */
  readonly fds: number;
  /** Whether a manager looks at it at all: the sender is one that `NotifyAccess=` allows, and it is not dropped. */
  readonly believed: boolean;
  /** Why it has no effect, or what of it has none. A real manager says that in its debug log, if at all. */
  readonly ignored: readonly string[];
}

/** Something that happened. */
export interface TimelineEvent {
  /** When: milliseconds since the service was started. */
  readonly at: number;
  /** What, in words. */
  readonly what: string;
}

/** How a service ended. */
export interface Ended {
  /** Its exit status; null if a signal ended it, or if that is for another process to know, as after a `MAINPID=`. */
  readonly code: number | null;
  /** The signal that ended it; null if it ended by itself, or as above. */
  readonly signal: NodeJS.Signals | null;
  /** What the manager makes of it: `success`, `exit-code`, `signal`, `core-dump`, `timeout`, `watchdog`, `protocol`, … */
  readonly result: string;
  /** Whether it said `STOPPING=1`. */
  readonly stopping: boolean;
  /** How long it took from the first signal, or the request, to the end, in milliseconds. */
  readonly took: number;
}

/** How much of a timeline goes into the text of a failure. */
const SHOWN_EVENTS = 40;
/** How many lines of the program's output do. */
const SHOWN_OUTPUT = 20;

/**
 * A text on one line, whatever it holds, and not without end.
 * @internal
 */
export function printable(text: string): string {
  const escaped = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) =>
    character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return shortened(escaped);
}

function shortened(line: string): string {
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

/**
 * Events by their time: what came while nobody looked is heard of late.
 * @internal
 */
export function inOrder(events: readonly TimelineEvent[]): TimelineEvent[] {
  return events.slice().sort((one, other) => one.at - other.at);
}

/**
 * Milliseconds, for people.
 * @internal
 */
export function duration(ms: number): string {
  return ms >= 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

/**
 * The text of a failure.
 * @internal
 */
export function describe(expected: string, state: string, events: readonly TimelineEvent[], output: string): string {
  const shown = inOrder(events).slice(-SHOWN_EVENTS);
  const left = events.length - shown.length;
  const lines = shown.map(({ at, what }) => `  ${(at / 1000).toFixed(3).padStart(8)} s  ${what}`);
  if (left > 0) lines.unshift(`  (${left} more before)`);
  const written = output.trimEnd().split('\n').slice(-SHOWN_OUTPUT);
  return [
    `${expected}. The service is ${state}. What happened:`,
    ...lines,
    ...(output.trim() === '' ? [] : ['What it wrote:', ...written.map((line) => `  ${shortened(line)}`)]),
  ].join('\n');
}
