/** Who asks and how long they wait: what the core knows of a request beside the request. */
import type { StageTimes } from "./inference.ts";

/** As metrics, logs and the record name them. */
export const faceNames = ["rest", "grpc", "grpc-web", "connect", "websocket", "graphql", "admin"] as const;

export type FaceName = (typeof faceNames)[number];

/** What an authenticated caller is. */
export interface Principal {
  /** Stable, never a secret: the name of a key, the subject of a token. "anonymous" where access is open. */
  readonly id: string;
  readonly roles: readonly string[];
}

export const anonymous: Principal = { id: "anonymous", roles: [] };

export interface Call {
  readonly face: FaceName;
  readonly principal: Principal;
  /**
   * Fires when the caller has left (any reason) or when its deadline has passed (a reason named TimeoutError). What
   * waits in a queue leaves it then.
   */
  readonly signal: AbortSignal;
  /** Of the client, as the socket says it; "" where unknown. */
  readonly address: string;
  /** Filled in by the stages a request passes. */
  readonly times: StageTimes;
}

/** Who is one caller to limits and to breakers: a principal; of who is anonymous, an address. */
export function callerOf({ principal, address }: Pick<Call, "principal" | "address">): string {
  return principal.id === anonymous.id ? `address:${address}` : principal.id;
}
