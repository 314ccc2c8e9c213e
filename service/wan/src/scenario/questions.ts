/** What is compared for one question, over the links of any scenario: rows that differ in what is asked and in nothing else. */
import { clientPolicy, clientPool, stockPolicy } from "../face/connection-policy.ts";
import type { Cell } from "./scenario.ts";
import { everyCell } from "./scenarios.ts";

/** gRPC over one connection with BBR. */
const plain: Cell = everyCell[0]!;

/** When is a call to be sent twice? */
export const hedgingCells: readonly Cell[] = [null, 0, 60, 120, 200].map((hedgeMs) => ({
  ...plain,
  by: "client",
  policy: clientPolicy,
  hedgeMs,
}));

/** What does the client's policy make of one connection, at the load that all carry? */
export const policyCells: readonly Cell[] = (["grpc", "grpc-web", "connect"] as const).flatMap((protocol) =>
  [stockPolicy, clientPolicy].map((policy) => ({ ...plain, protocol, policy })),
);

/** Which load does a policy carry? Bodies are bytes in all. */
export const capacityCells: readonly Cell[] = [
  ...[stockPolicy, { http: 2, connections: 8 } as const, clientPolicy].map((policy) => ({
    ...plain,
    policy,
  })),
  { ...plain, protocol: "rest-binary", policy: clientPool },
];

/** Loss-based ones first: one connection of theirs carries little over a link that loses packets. */
export const capacityCongestions = ["reno", "cubic", "bbr"] as const;
