// Internal.

/** A time as humans say it. */
export function spoken(ms: number): string {
  return ms < 1000
    ? `${Math.floor(ms)} ms`
    : `${ms < 60_000 ? (Math.floor(ms / 100) / 10).toFixed(1) : Math.floor(ms / 1000)} s`;
}
