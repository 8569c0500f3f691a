// Looks after the main thread's event loop from a worker, through the inspector. Internal.

import { writeSync } from 'node:fs';
import { type Runtime, Session } from 'node:inspector';
import { parentPort, workerData } from 'node:worker_threads';
import { type WorkerSettings } from './hang';
import { Notifier } from './index';
import { spoken } from './spoken';

const { beats, after, address, prefix } = workerData as WorkerSettings;
const notifier = new Notifier(address === undefined ? {} : { socket: address });

/** What the main thread answers, when it next calls a function or goes round a loop. It leaves nothing changed. */
const STACK = `(() => {
  const { stackTraceLimit, prepareStackTrace } = Error;
  try {
    Error.stackTraceLimit = 24;
    Error.prepareStackTrace = undefined;
    return new Error().stack;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  }
})()`;

/** The hang that is going on. */
let hang: { asked: boolean; place: string; next: number } | undefined;
let seen = Atomics.load(beats, 0);
let since = performance.now();

setInterval(() => {
  const now = performance.now();
  const beat = Atomics.load(beats, 0);
  if (beat !== seen) {
    if (hang !== undefined) parentPort?.postMessage([now - since, hang.place]);
    hang = undefined;
    seen = beat;
    since = now;
    return;
  }
  if (now - since < after) return;
  hang ??= { asked: false, place: '', next: after };
  if (!hang.asked) ask(hang);
  // The first time a moment later, so that there is an answer.
  if (now - since < hang.next * 1.25) return;
  hang.next = 2 * (now - since);
  const text = `event loop blocked for ${spoken(now - since)}${hang.place && ' '}${hang.place}`;
  try {
    writeSync(2, `${prefix}${text}\n`);
  } catch {
    // Nobody reads it, or not fast enough.
  }
  notifier.status(text).catch(() => {});
}, after / 8);

/** Asks the main thread where it is. */
function ask(asking: { asked: boolean; place: string }): void {
  asking.asked = true;
  const session = new Session();
  session.connectToMainThread();
  session.post('Runtime.evaluate', { expression: STACK }, (error, answer?: Runtime.EvaluateReturnType) => {
    const stack = error === null ? answer?.result.value : undefined;
    if (typeof stack === 'string') asking.place = placeIn(stack);
    session.disconnect();
  });
}

/** The innermost function that is the program's. */
function placeIn(stack: string): string {
  const frames = [...stack.matchAll(/^\s+at (?:(.*) \()?((?:file:|\/|[A-Za-z]:\\).*?):(\d+):(\d+)\)?$/gm)];
  const [frame] = frames;
  if (frame === undefined) return '';
  const [, name = '<anonymous>', file, line, column] = frame;
  return `in ${name} (${(file as string).replace(/^file:\/\//, '')}:${line}:${column})`;
}
