/** `READY=1`: start-up is over. */
export function ready(): void;

/** `STOPPING=1`: the service is going down. Of the process `pid`, or of this one. */
export function stopping(pid?: number): void;

/** `WATCHDOG=1`: one heartbeat. */
export function watchdog(): void;

/** The watchdog's period in milliseconds, or 0 if none is set on this process. */
export function watchdogInterval(): number;

/**
 * A heartbeat every `interval` milliseconds, the first one after that time. Without a usable interval: half of the
 * watchdog's period, or 3000 if none is set. Starting it again begins anew.
 */
export function startWatchdogMode(interval?: number): void;

/** Ends the heartbeats of `startWatchdogMode`. */
export function stopWatchdogMode(): void;

/** A finished state string, as `sd_notify` takes it. */
export function sendState(state: string | readonly string[]): void;

/** `STATUS=`: one line that `systemctl status` shows. Line breaks in it become spaces. */
export function sendStatus(text: string): void;

/** Writes a text to the journal at a level of 0 (emergency) to 7 (debug). */
export function journalPrint(level: number, text: string): void;

/** Writes its arguments, with spaces between them, to the journal. */
export type JournalPrint = (...texts: readonly unknown[]) => void;

/** One function for each level of the journal. */
export interface Log {
  emerg: JournalPrint;
  emergency: JournalPrint;
  alert: JournalPrint;
  crit: JournalPrint;
  critical: JournalPrint;
  err: JournalPrint;
  error: JournalPrint;
  warning: JournalPrint;
  warn: JournalPrint;
  notice: JournalPrint;
  info: JournalPrint;
  debug: JournalPrint;
}

export const log: Log;
