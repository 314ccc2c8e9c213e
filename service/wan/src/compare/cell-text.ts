/** A cell in a line, for who waits for it. */
import { policyText } from "../face/connection-policy.ts";
import { noCongestion } from "../scenario/delay-only-scenario.ts";
import type { Cell } from "../scenario/scenario.ts";

/** "grpc, h2 x 64, bbr, hedged after 200 ms" */
export function cellText({ by, protocol, policy, congestion, tls, bytes, hedgeMs }: Cell): string {
  return [
    protocol,
    policyText(policy),
    ...(congestion === noCongestion ? [] : [congestion]),
    ...(tls === "off" ? [] : [`TLS ${tls}`]),
    ...(bytes === null ? [] : [`${bytes} bytes`]),
    ...(by === "client" ? ["@cupel/client"] : []),
    ...(hedgeMs === null ? [] : [`hedged after ${hedgeMs} ms`]),
  ].join(", ");
}
