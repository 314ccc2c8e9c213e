/** What verifying a log can find, and whether it says that the log was changed or only that nobody can tell. */

export type LogVerdict = "valid" | "tampered" | "unverifiable";

/** Each kind with what it makes of the verdict. */
export const findingKinds = {
  /** No key that is known signed the checkpoint, or the one kept elsewhere: a key is missing, or another one signed. */
  "key-unknown": "unverifiable",
  /** Nothing signs this log: it was recorded without a tree. */
  unsigned: "unverifiable",
  /** The origin is missing, or not that of the checkpoint. */
  origin: "tampered",
  "checkpoint-removed": "tampered",
  /** It is none, or its signature is not of its text. */
  "checkpoint-replaced": "tampered",
  /** Tiles and entries have another root than the checkpoint: one or the other was replaced. */
  "root-mismatch": "tampered",
  /** An entry of a bundle was changed. */
  "entry-edited": "tampered",
  "tile-edited": "tampered",
  /** A tile or a bundle is absent, or not what its name says. */
  "file-damaged": "tampered",
  /** A segment cannot be unpacked. */
  "segment-damaged": "tampered",
  /** In the journal, as the following ones. */
  "event-edited": "tampered",
  "event-removed": "tampered",
  "event-inserted": "tampered",
  "events-reordered": "tampered",
  /** The end of a segment, or whole ones after it. */
  "segments-removed": "tampered",
  /** The record tells of a removal of events that a legal hold covered. */
  "hold-broken": "tampered",
  /** The last events. */
  truncated: "tampered",
  /** The log is smaller than a checkpoint that was kept elsewhere. */
  "rolled-back": "tampered",
  /** The log does not go on from a checkpoint that was kept elsewhere: others were shown another past. */
  "split-view": "tampered",
  /** A checkpoint that witnesses cosigned, or a stamp, which lies beside the log: it is none, or a signature of it is wrong. */
  "witnessed-damaged": "tampered",
  /** A witness or an authority whose key was given vouches for nothing here. */
  unwitnessed: "unverifiable",
  /** Of a file with a proof, as the following ones: it does not show what it claims. */
  "proof-wrong": "tampered",
  /** It has no copy of the event. */
  "entry-missing": "unverifiable",
  /** The older checkpoint that it goes on from was not given. */
  "checkpoint-missing": "unverifiable",
} as const satisfies Readonly<Record<string, LogVerdict>>;

export type FindingKind = keyof typeof findingKinds;

export interface LogFinding {
  readonly kind: FindingKind;
  /** Within the log; null where it is of no one file. */
  readonly path: string | null;
  /** Of the first event concerned; null where it is of none. */
  readonly index: number | null;
  /** Events concerned; 0 where it is of none. */
  readonly count: number;
  /** A sentence. It repeats nothing of an event. */
  readonly message: string;
}

/** What was changed outweighs what cannot be told. */
export function verdictOf(findings: readonly LogFinding[]): LogVerdict {
  const verdicts = new Set<LogVerdict>(findings.map(({ kind }) => findingKinds[kind]));
  if (verdicts.has("tampered")) return "tampered";
  return verdicts.has("unverifiable") ? "unverifiable" : "valid";
}

/** "event 4" or "events 4 to 7". */
export function eventsText(index: number, count: number): string {
  return count === 1 ? `event ${index}` : `events ${index} to ${index + count - 1}`;
}
