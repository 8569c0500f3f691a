// Errors as Node's own: with `code`, `errno` and `syscall`. Internal.

import { builtin } from './builtin';

/** Gives an error the code of its `errno`, or the given one. */
export function errorFrom(error: Error, code?: string): NodeJS.ErrnoException {
  const result = error as NodeJS.ErrnoException;
  if (code !== undefined) {
    result.code = code;
  } else if (result.errno !== undefined && result.code === undefined) {
    // The addon's errors have it in their text, also where the runtime does not know it.
    result.code = /\((E[A-Z0-9]+)\)/.exec(error.message)?.[1] ?? builtin('node:util').getSystemErrorName(result.errno);
    // What is wrong with an argument is found before any system call.
    result.syscall ??= 'sd_notify';
  }
  return result;
}

/** Calls the addon, and completes the error that it throws. */
export function calling<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw errorFrom(error as Error);
  }
}

/** The error of a system call that did not end in time, or that there was no room for. */
export function systemError(errno: number, syscall: string, message: string): NodeJS.ErrnoException {
  const error = errorFrom(Object.assign(new Error(message), { errno, syscall }));
  return error;
}

/** The number of an error, above 0 as the manager has it; undefined if it has none. */
export function errnoOf(error: unknown): number | undefined {
  const { errno, code = '' } = (error ?? {}) as NodeJS.ErrnoException;
  // Node's are negative. With some of Bun's errors it is 0, and the name is right.
  if (Number.isInteger(errno) && errno !== 0) return Math.abs(errno as number);
  return (builtin('node:os').constants.errno as Record<string, number | undefined>)[code];
}

/**
 * Marks a promise as looked after: whoever awaits it sees it reject, and for whoever only calls and goes on, a manager
 * that is busy for a moment is no unhandled rejection, which would end the service.
 */
export function looseEnd<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** The error of an argument of the wrong type. */
export function typeError(message: string): TypeError {
  return errorFrom(new TypeError(message), 'ERR_INVALID_ARG_TYPE') as TypeError;
}
