// What a unit file would say about the service under test.

import { builtin } from './builtin';
import { errorFrom, typeError } from './errors';

/**
 * What a unit file would say about the service, by the names of `systemd.service(5)`; times are milliseconds. What is left
 * out is as where a unit file says nothing.
 */
export interface Unit {
  /** `Type=`: `'notify'`, unless told otherwise. */
  type?: 'notify' | 'notify-reload' | 'exec' | 'simple';
  /** `NotifyAccess=`: whose messages are believed. The main process's, unless told otherwise. */
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
  /** The version of systemd whose rules hold: the newest that is known, unless told otherwise. */
  systemd?: number;
}

/**
 * The number of a signal.
 * @internal
 */
export function signalNumber(name: NodeJS.Signals): number {
  const number = builtin('node:os').constants.signals[name] as number | undefined;
  if (number === undefined) throw typeError(`readyup/testing: "${String(name)}" is no signal`);
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

/** Milliseconds as microseconds. */
function span(ms: number, name: string): string {
  if (typeof ms !== 'number' || !(ms > 0)) {
    throw errorFrom(new RangeError(`readyup/testing: ${name} must be above 0 milliseconds`), 'ERR_OUT_OF_RANGE');
  }
  // What is longer than this is as good as for ever: 285 years.
  const usec = Math.ceil(ms * 1000);
  return usec <= Number.MAX_SAFE_INTEGER ? String(usec) : 'infinity';
}

/**
 * The lines of a unit file, as the judge reads them.
 * @internal
 */
export function unitFile(unit: Unit): string {
  const lines = [`Type=${unit.type ?? 'notify'}`];
  const add = (name: string, value: number | string | undefined): void => {
    if (value !== undefined) lines.push(`${name}=${value}`);
  };
  const addTime = (name: string, ms: number | undefined, option: string): void =>
    add(name, ms === undefined ? undefined : span(ms, option));
  const addSignal = (name: string, signal: NodeJS.Signals | undefined): void =>
    add(name, signal === undefined ? undefined : signalNumber(signal));
  add('NotifyAccess', unit.notifyAccess);
  addTime('WatchdogSec', unit.watchdog, 'watchdog');
  addTime('TimeoutStartSec', unit.timeoutStart, 'timeoutStart');
  addTime('TimeoutStopSec', unit.timeoutStop, 'timeoutStop');
  addTime('TimeoutAbortSec', unit.timeoutAbort, 'timeoutAbort');
  add('FileDescriptorStoreMax', unit.fdStoreMax);
  add('SuccessExitStatus', unit.successExitStatus?.join(' '));
  addSignal('ReloadSignal', unit.reloadSignal);
  addSignal('KillSignal', unit.killSignal);
  addSignal('WatchdogSignal', unit.watchdogSignal);
  add('KillMode', unit.killMode);
  add('Systemd', unit.systemd);
  if (lines.some((line) => line.includes('\n'))) throw typeError('readyup/testing: an option has a line feed in it');
  return lines.join('\n');
}
