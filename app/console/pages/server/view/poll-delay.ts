/** When to look at the server again: often while it answers, less and less often while it does not. */

export interface Look {
  /** In a row, the one that just ended included. */
  readonly failures: number;
  /** Milliseconds that the look took. */
  readonly tookMs: number;
  /** What the server asked for; 0 where it did not. */
  readonly retryAfterMs: number;
}

const usual = 2_000;
const longest = 30_000;
/** A look that takes long takes the server's time: at most a twentieth of it. */
const restPerLook = 20;

/** Milliseconds. */
export function pollDelay({ failures, tookMs, retryAfterMs }: Look): number {
  const backedOff = usual * 2 ** Math.min(failures, 10);
  return Math.min(longest, Math.max(backedOff, tookMs * restPerLook, retryAfterMs));
}
