/**
 * How many connections a client keeps to one endpoint. On a link that loses packets the number of connections matters
 * more than the protocol: one connection makes every call wait for each lost packet. Measured at 150 ms and 1.2 % loss
 * with 320 calls in flight: one HTTP/2 connection 513 ms in the mean, 8 of them 300, 64 of them 195, a connection a call
 * (HTTP/1.1) 161 (docs/client.md). So an HTTP/2 connection is given few calls before another is opened.
 */
export interface PoolOptions {
  /** Connections to one endpoint, at most. Default 256 with HTTP/1.1, 64 with HTTP/2. */
  readonly connections?: number | undefined;
  /** Calls on one HTTP/2 connection before another is opened. Default 4. */
  readonly callsEach?: number | undefined;
}

export const poolDefaults = { http1: 256, http2: 64, callsEach: 4 } as const;

/**
 * The connection for the next call: of those that have room the fullest, so that others fall idle; else a new one; else
 * the emptiest. @param loads calls in flight on each. @returns its index; `loads.length` for a new one
 */
export function chooseConnection(loads: readonly number[], connections: number, callsEach: number): number {
  let fullest = -1;
  let emptiest = 0;
  for (const [index, load] of loads.entries()) {
    if (load < callsEach && (fullest < 0 || load > loads[fullest]!)) fullest = index;
    if (load < loads[emptiest]!) emptiest = index;
  }
  if (fullest >= 0) return fullest;
  return loads.length < connections ? loads.length : emptiest;
}
