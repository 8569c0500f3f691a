// What /proc tells of the processes of a service under test. Internal.

import { builtin } from './builtin';

/** One process, at one moment. */
interface Process {
  parent: number;
  group: number;
  isZombie: boolean;
}

function read(path: string): string | undefined {
  try {
    return builtin('node:fs').readFileSync(path, 'latin1');
  } catch {
    // It is gone, or none of ours.
    return undefined;
  }
}

function processOf(pid: number): Process | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The name may hold anything, a parenthesis included.
  const [state, parent, group] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  if (state === undefined) return undefined;
  return { parent: Number(parent), group: Number(group), isZombie: state === 'Z' || state === 'X' };
}

/** The process's name; '' if it is gone. */
export function nameOf(pid: number): string {
  return read(`/proc/${pid}/comm`)?.trim() ?? '';
}

/** Whether it is there, and not merely waiting for somebody to hear of its end. */
export function isAlive(pid: number): boolean {
  return processOf(pid)?.isZombie === false;
}

/** Whether it is a process of the service: of the group of its first process, or one that was given its invocation's id. */
function belongs(pid: number, process: Process, group: number, invocation: string): boolean {
  if (process.isZombie) return false;
  return (
    process.group === group || (read(`/proc/${pid}/environ`) ?? '').split('\0').includes(`INVOCATION_ID=${invocation}`)
  );
}

/** Whether `pid` is one of the service's processes. */
export function isOfService(pid: number, group: number, invocation: string): boolean {
  const process = processOf(pid);
  return process !== undefined && belongs(pid, process, group, invocation);
}

/** The service's processes, be they daemons of their own by now. */
export function membersOf(group: number, invocation: string): number[] {
  const pids = builtin('node:fs').readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => pid !== process.pid && isOfService(pid, group, invocation));
}

/** Whether the process has a handler for the signal, as systemd sees it; true where that cannot be seen. */
export function handles(pid: number, signal: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return caught === undefined || ((BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/** The process that a pidfd stands for; undefined if it is none, or if that has ended. */
export function processOfPidFd(fd: number): number | undefined {
  const pid = Number(/^Pid:\s*(-?\d+)$/m.exec(read(`/proc/self/fdinfo/${fd}`) ?? '')?.[1]);
  return pid > 0 ? pid : undefined;
}
