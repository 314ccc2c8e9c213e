/** What the owner of a runtime log and the thread that writes it tell each other. Plain data. */
import type { RingHandle } from "./ring-layout.ts";

export interface RuntimeLogData {
  /** Of the files themselves. */
  readonly folder: string;
  readonly fileBytes: number;
  readonly files: number;
  readonly drainMs: number;
}

export type RuntimeLogTask =
  /** First. */
  | { readonly kind: "open" }
  | { readonly kind: "add"; readonly ring: RingHandle }
  /** Answered when all that was in the rings is in the files. */
  | { readonly kind: "drain" }
  | { readonly kind: "counts" };
