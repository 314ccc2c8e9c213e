/** How many connections a caller keeps, and over which version of HTTP. */

export type ConnectionPolicy =
  /** HTTP/2; a call goes to the connection that @cupel/client's rule chooses. One: what stock clients do. */
  | { readonly http: 2; readonly connections: number }
  /** HTTP/1.1: a connection a call in flight, kept for the next; up to so many. */
  | { readonly http: 1; readonly connections: number };

/** "h2 x 64" */
export function policyText({ http, connections }: ConnectionPolicy): string {
  return http === 2 ? `h2 x ${connections}` : "h1 pool";
}

/** One connection: what stock clients do. */
export const stockPolicy: ConnectionPolicy = { http: 2, connections: 1 };
/** What @cupel/client does when it is told nothing. */
export const clientPolicy: ConnectionPolicy = { http: 2, connections: 64 };
/** The same over HTTP/1.1. */
export const clientPool: ConnectionPolicy = { http: 1, connections: 256 };
