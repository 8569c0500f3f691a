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

/**
 * A setting as the judge takes it: a word, or a number; times are microseconds.
 * @internal
 */
export type Setting = readonly [name: string, value: string | number];

/**
 * The error of a setting that cannot be.
 * @internal
 */
export function noSuchValue([name, value]: Setting): TypeError {
  return typeError(`readyup/testing: ${name}: "${value}" is none of its values`);
}

/** Milliseconds as microseconds. */
function span(ms: number, name: string): number {
  if (typeof ms !== 'number' || !(ms > 0)) {
    throw errorFrom(new RangeError(`readyup/testing: ${name} must be above 0 milliseconds`), 'ERR_OUT_OF_RANGE');
  }
  // What is longer than this is as good as for ever: 285 years.
  const usec = Math.ceil(ms * 1000);
  return usec <= Number.MAX_SAFE_INTEGER ? usec : Infinity;
}

/**
 * The settings of a unit file.
 * @internal
 */
export function settings(unit: Unit): Setting[] {
  const settings: Setting[] = [];
  const add = (name: string, value: number | string | undefined): void => {
    if (value !== undefined) settings.push([name, value]);
  };
  const addTime = (name: string, ms: number | undefined, option: string): void =>
    add(name, ms === undefined ? undefined : span(ms, option));
  const addNumber = (name: string, value: number | undefined): void => {
    if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff)) {
      throw noSuchValue([name, value]);
    }
    add(name, value);
  };
  const addSignal = (name: string, signal: NodeJS.Signals | undefined): void =>
    add(name, signal === undefined ? undefined : signalNumber(signal));
  const successExitStatus = unit.successExitStatus ?? [];
  // There are no more of them.
  if (successExitStatus.length > 256) throw typeError('readyup/testing: successExitStatus is too long');
  add('Type', unit.type ?? 'notify');
  add('NotifyAccess', unit.notifyAccess);
  addTime('WatchdogSec', unit.watchdog, 'watchdog');
  addTime('TimeoutStartSec', unit.timeoutStart, 'timeoutStart');
  addTime('TimeoutStopSec', unit.timeoutStop, 'timeoutStop');
  addTime('TimeoutAbortSec', unit.timeoutAbort, 'timeoutAbort');
  addNumber('FileDescriptorStoreMax', unit.fdStoreMax);
  for (const status of successExitStatus) addNumber('SuccessExitStatus', status);
  addSignal('ReloadSignal', unit.reloadSignal);
  addSignal('KillSignal', unit.killSignal);
  addSignal('WatchdogSignal', unit.watchdogSignal);
  add('KillMode', unit.killMode);
  addNumber('Systemd', unit.systemd);
  return settings;
}
