/** What is done with a name: a letter in the matrix, and words elsewhere. */
import type { TracedKind } from "../../../src/env-pages.ts";

interface KindText {
  readonly letter: string;
  readonly does: string;
  /** What stands after the names. */
  readonly end?: string;
}

export const kindTexts: Readonly<Record<TracedKind, KindText>> = {
  read: { letter: "R", does: "reads" },
  write: { letter: "W", does: "writes" },
  delete: { letter: "D", does: "deletes" },
  "load-file": { letter: "F", does: "sets", end: "from a file" },
  inherit: { letter: "C", does: "hands on", end: "to a child" },
  enumerate: { letter: "L", does: "lists all names" },
  report: { letter: "P", does: "asks for a diagnostic report" },
};

/** "hands on A and B to a child" */
export function doesText(kind: TracedKind, names = ""): string {
  const { does, end = "" } = kindTexts[kind];
  return [does, names, end].filter((part) => part !== "").join(" ");
}
