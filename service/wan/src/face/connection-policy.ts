/** How many connections a caller keeps, and over which version of HTTP. */

import type { WindowOptions } from "@cupel/client";

export type ConnectionPolicy =
  /**
   * HTTP/2, with calls spread over the connections. `windows`: "node" leaves them as Node.js has them; default: those of
   * @cupel/client.
   */
  | { readonly http: 2; readonly connections: number; readonly windows?: "node" }
  /** HTTP/1.1: a connection a call in flight, kept for the next; up to so many. */
  | { readonly http: 1; readonly connections: number };

/** "h2 x 64" */
export function policyText(policy: ConnectionPolicy): string {
  if (policy.http === 1) return "h1 pool";
  return policy.windows === "node" ? "h2 stock" : `h2 x ${policy.connections}`;
}

/** Bytes of a window of HTTP/2 that nobody changed (RFC 9113, section 6.5.2), as Node.js has those of streams and connections. */
const nodeWindow = 65_535;

/** What the client is told; undefined: nothing. */
export function windowsOf(policy: ConnectionPolicy): WindowOptions | undefined {
  return policy.http === 2 && policy.windows === "node"
    ? { stream: nodeWindow, connection: nodeWindow }
    : undefined;
}

/** One connection with the windows of Node.js: what a client does of which nothing was asked. */
export const stockPolicy: ConnectionPolicy = { http: 2, connections: 1, windows: "node" };
/** What @cupel/client does when it is told nothing. */
export const clientPolicy: ConnectionPolicy = { http: 2, connections: 64 };
/** The same over HTTP/1.1. */
export const clientPool: ConnectionPolicy = { http: 1, connections: 256 };
