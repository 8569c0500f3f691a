// What a unit file would say about the service under test.

import { builtin } from './builtin';
import { errorFrom, typeError } from './errors';
import { printable } from './testing-timeline';

/**
 * What a unit file would say about the service, by the names of `systemd.service(5)`; times are milliseconds. What is left
 * out is as where a unit file says nothing.
 */
export interface Unit {
  /** `Type=`: `'notify'`, unless told otherwise. */
  type?: 'notify' | 'notify-reload' | 'exec' | 'simple';
  /** `NotifyAccess=`: whose messages are believed. The main process's, unless told otherwise; nobody's for services that neither notify nor have a watchdog or an fd store. */
  notifyAccess?: 'none' | 'main' | 'exec' | 'all';
  /** `WatchdogSec=` */
  watchdog?: number;
  /** `TimeoutStartSec=`, which bounds reloads, too. 90 seconds, unless told otherwise. */
  timeoutStart?: number;
  /** `TimeoutStopSec=`: 90 seconds, unless told otherwise. */
  timeoutStop?: number;
  /** `TimeoutAbortSec=`: how long it may take to end after the watchdog's signal. */
  timeoutAbort?: number;
  /** `FileDescriptorStoreMax=` */
  fdStoreMax?: number;
  /** `SuccessExitStatus=`: what is well beside 0. */
  successExitStatus?: readonly number[];
  /** `ReloadSignal=`: `SIGHUP`, unless told otherwise. */
  reloadSignal?: NodeJS.Signals;
  /** `KillSignal=`: `SIGTERM`, unless told otherwise. */
  killSignal?: NodeJS.Signals;
  /** `WatchdogSignal=`: `SIGABRT`, unless told otherwise. */
  watchdogSignal?: NodeJS.Signals;
  /** `KillMode=`: `'control-group'`, unless told otherwise. */
  killMode?: 'control-group' | 'mixed' | 'process' | 'none';
  /** The version of systemd whose rules hold, from 252 on: the newest that is known, unless told otherwise. */
  systemd?: number;
}

/**
 * The number of a signal.
 * @internal
 */
export function signalNumber(name: NodeJS.Signals): number {
  const number = builtin('node:os').constants.signals[name] as number | undefined;
  if (number === undefined)
    throw typeError(`readyup/testing: ${shown(name)} is no signal; they are called "SIGTERM" and so on`);
  return number;
}

/**
 * The name of a signal.
 * @internal
 */
export function signalName(number: number): NodeJS.Signals {
  const { signals } = builtin('node:os').constants;
  const name = (Object.keys(signals) as NodeJS.Signals[]).find((name) => signals[name] === number);
  // Signals of real time have no names there.
  return name ?? (`SIG${number}` as NodeJS.Signals);
}

/**
 * A setting as the judge takes it: a word, or a number; times are microseconds.
 * @internal
 */
export type Setting = readonly [name: string, value: string | number];

const WORDS: Readonly<Record<string, readonly [name: string, ...words: string[]]>> = {
  type: ['Type', 'notify', 'notify-reload', 'exec', 'simple'],
  notifyAccess: ['NotifyAccess', 'none', 'main', 'exec', 'all'],
  killMode: ['KillMode', 'control-group', 'mixed', 'process', 'none'],
};
const TIMES: Readonly<Record<string, string>> = {
  watchdog: 'WatchdogSec',
  timeoutStart: 'TimeoutStartSec',
  timeoutStop: 'TimeoutStopSec',
  timeoutAbort: 'TimeoutAbortSec',
};
const SIGNALS: Readonly<Record<string, string>> = {
  reloadSignal: 'ReloadSignal',
  killSignal: 'KillSignal',
  watchdogSignal: 'WatchdogSignal',
};
const NUMBERS: Readonly<Record<string, readonly [name: string, least: number, most: number]>> = {
  fdStoreMax: ['FileDescriptorStoreMax', 0, 0xffff_ffff],
  // The oldest that the judge was compared with, and what may come.
  systemd: ['Systemd', 252, 999],
};

/** What was given, for an error. */
function shown(value: unknown): string {
  return typeof value === 'string' ? `"${printable(value)}"` : String(value);
}

/**
 * Milliseconds, or an error that says what they are for.
 * @internal
 */
export function milliseconds(value: unknown, name: string): number {
  if (typeof value !== 'number')
    throw typeError(`readyup/testing: ${name} must be a number of milliseconds, not ${shown(value)}`);
  if (value > 0) return value;
  throw errorFrom(
    new RangeError(`readyup/testing: ${name} must be above 0 milliseconds, not ${value}`),
    'ERR_OUT_OF_RANGE',
  );
}

/**
 * Sees that there are no other options than those: one that is misspelled would test nothing, and say nothing.
 * @internal
 */
export function known(options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw typeError(`readyup/testing: options must be an object, not ${shown(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw typeError(`readyup/testing: there is no option "${printable(unknown)}"; there are ${names.join(', ')}`);
  }
}

/**
 * The names of a unit's options.
 * @internal
 */
export const UNIT_OPTIONS: readonly string[] = [
  ...[WORDS, TIMES, SIGNALS, NUMBERS].flatMap((table) => Object.keys(table)),
  'successExitStatus',
];

/**
 * The settings of a unit file.
 * @internal
 */
export function settings(unit: Unit): Setting[] {
  const given = unit as Readonly<Record<string, unknown>>;
  return UNIT_OPTIONS.flatMap((option): Setting[] => {
    const value = given[option];
    return value === undefined ? [] : setting(option, value);
  });
}

function setting(option: string, value: unknown): Setting[] {
  const [word, ...words] = WORDS[option] ?? [];
  if (word !== undefined) {
    if (typeof value === 'string' && words.includes(value)) return [[word, value]];
    throw typeError(`readyup/testing: ${option} must be one of ${words.join(', ')}, not ${shown(value)}`);
  }
  const [number, least = 0, most = 0] = NUMBERS[option] ?? [];
  if (number !== undefined) return [[number, integer(option, value, least, most)]];
  const signal = SIGNALS[option];
  if (signal !== undefined) return [[signal, signalNumber(value as NodeJS.Signals)]];
  const time = TIMES[option];
  if (time !== undefined) {
    // What is longer than this is as good as for ever: 285 years.
    const usec = Math.ceil(milliseconds(value, option) * 1000);
    return [[time, usec <= Number.MAX_SAFE_INTEGER ? usec : Infinity]];
  }
  if (!Array.isArray(value))
    throw typeError(`readyup/testing: ${option} must be an array of numbers, not ${shown(value)}`);
  if (value.length > 256) throw typeError(`readyup/testing: ${option} has more than there are`);
  return value.map((status): Setting => ['SuccessExitStatus', integer(option, status, 0, 255)]);
}

function integer(option: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw typeError(`readyup/testing: ${option} must be a number, not ${shown(value)}`);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const error = new RangeError(
    `readyup/testing: ${option} must be a whole number from ${least} to ${most}, not ${value}`,
  );
  throw errorFrom(error, 'ERR_OUT_OF_RANGE');
}
