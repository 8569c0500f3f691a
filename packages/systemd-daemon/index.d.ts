/** The heartbeats that a unit with `WatchdogSec=` wants. */
export const watchdog: {
  /** A heartbeat every half of the watchdog's period, if one is set on this process. */
  start(): void;
  /** Ends the heartbeats. */
  stop(): void;
  /** The watchdog's period in milliseconds, or 0 if none is set on this process. */
  enabled(): number;
};

/** Sends a state string to the manager. What goes wrong is printed by `console.error`. */
export function notify(state: string): void;

/** Whether the machine was booted with systemd. */
export function booted(): boolean;
export function booted(callback: (booted: boolean) => void): void;

/** How many descriptors were passed to this process, or -1 if the environment is garbage. */
export const listen_fds: {
  (): number;
  /** The first of them. */
  start: 3;
};

/** A passed descriptor, by its position or its name (`FileDescriptorName=`), for `server.listen`; or null. */
export function socket(which?: number | string): { fd: number } | null;
