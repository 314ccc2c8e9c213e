/** What the client tells of its work as it happens: for metrics, logs and traces. Names and numbers, never contents. */
import type { BreakerState } from "@cupel/base/portable";

export type ClientEvent =
  /** One send and how it ended; `code` is null where it was answered, CANCELLED where another send was faster. */
  | {
      readonly kind: "attempt";
      readonly operation: string;
      readonly endpoint: string;
      readonly region: string;
      /** From 0. */
      readonly attempt: number;
      readonly ms: number;
      readonly code: string | null;
    }
  | { readonly kind: "retry"; readonly operation: string; readonly code: string; readonly delayMs: number }
  | { readonly kind: "hedge"; readonly operation: string }
  | { readonly kind: "breaker"; readonly endpoint: string; readonly state: BreakerState }
  /** The region that calls go to is another. */
  | { readonly kind: "region"; readonly region: string; readonly before: string | null }
  /** A measured round trip; null where the endpoint could not be reached. */
  | { readonly kind: "probe"; readonly endpoint: string; readonly ms: number | null };

export type ClientObserver = (event: ClientEvent) => void;
