/** Why the journal could not keep events: the causes that metrics count and policies answer, of what the system threw. */
import { reasonOf } from "@cupel/base";

/** "behind": the tree cannot keep up with the journal. */
export type FaultCause = "full" | "readonly" | "denied" | "unlinked" | "truncated" | "slow" | "behind" | "io";

export const faultCauses = [
  "full",
  "readonly",
  "denied",
  "unlinked",
  "truncated",
  "slow",
  "behind",
  "io",
] as const satisfies readonly FaultCause[];

const causeOf: ReadonlyMap<string, FaultCause> = new Map([
  ["ENOSPC", "full"],
  ["EDQUOT", "full"],
  ["EFBIG", "full"],
  ["EROFS", "readonly"],
  ["EACCES", "denied"],
  ["EPERM", "denied"],
  ["ENOENT", "unlinked"],
  ["ENOTDIR", "unlinked"],
]);

/** Of the journal's own; it never leaves the recorder, which counts it and answers by its policy. */
export class JournalFault extends Error {
  override readonly name = "JournalFault";
  readonly fault: FaultCause;

  constructor(fault: FaultCause, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.fault = fault;
  }

  /** @param doing such as "writing journal/000000000000.jsonl.open" */
  static of(thrown: unknown, doing: string): JournalFault {
    if (thrown instanceof JournalFault) return thrown;
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
    return new JournalFault(causeOf.get(code) ?? "io", `${doing}: ${reasonOf(thrown)}`, thrown);
  }
}
