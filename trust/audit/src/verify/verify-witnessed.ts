/**
 * Holds a log against what others vouched for and what lies beside it (note/witnessed.ts): each checkpoint that was kept
 * must be the log's, the log must go on from it, and cosignatures and stamps must be right where keys for them are given.
 * What is removed there is not missed unless a key is given: who relies on a witness gives its key.
 */
import type { X509Certificate } from "node:crypto";
import { CupelError } from "@cupel/base";
import {
  type Checkpoint,
  type OpenedCheckpoint,
  openCheckpoint,
  parseCheckpoint,
} from "../note/checkpoint.ts";
import { splitCosignature } from "../note/cosignature.ts";
import { type NoteKey, noteKeyTypes } from "../note/note-key.ts";
import { parseNote } from "../note/signed-note.ts";
import { checkpointDigest, verifyTimeStamp } from "../note/time-stamp.ts";
import { readWitnessed, type Witnessed } from "../note/witnessed.ts";
import type { LogReader } from "../tree/log-reader.ts";
import type { FindingKind } from "./finding.ts";

/** The newest state of the log that one witness or authority vouches for. */
export interface Vouched {
  /** Of the witness's key, or the subject of the authority's certificate. */
  readonly by: string;
  readonly kind: "witness" | "time-stamp";
  /** Events. */
  readonly size: number;
  /** RFC 3339, as they say. */
  readonly time: string;
}

export interface VouchedKeys {
  readonly logKeys: readonly NoteKey[];
  readonly witnessKeys: readonly NoteKey[];
  readonly authorities: readonly X509Certificate[];
}

type Tell = (kind: FindingKind, message: string, path?: string | null) => void;

export interface WitnessedOptions {
  readonly log: LogReader;
  readonly folder: string;
  readonly keys: VouchedKeys;
  readonly tell: Tell;
  /** Tells where the log does not go on from it. */
  readonly verifyGrowth: (kept: Checkpoint, path: string) => Promise<void>;
}

/** @throws LOG_UNREADABLE */
export async function verifyWitnessed(options: WitnessedOptions): Promise<readonly Vouched[]> {
  const { log, folder, keys, tell } = options;
  const newest = new Map<string, Vouched>();
  let isUnknownTold = false;
  /** Each of them is signed by the same key, as a rule. */
  const tellOnce: Tell = (kind, message, path) => {
    if (kind !== "key-unknown" || !isUnknownTold) tell(kind, message, path);
    isUnknownTold ||= kind === "key-unknown";
  };
  for (const each of await readWitnessed(log, folder)) {
    for (const vouched of await verifyOne(each, { ...options, tell: tellOnce }))
      newest.set(`${vouched.kind} ${vouched.by}`, vouched);
  }
  for (const { name } of keys.witnessKeys) {
    if (newest.has(`witness ${name}`)) continue;
    tell("unwitnessed", `No checkpoint that lies here is cosigned by the witness "${name}".`);
  }
  if (keys.authorities.length > 0 && ![...newest.values()].some(({ kind }) => kind === "time-stamp")) {
    tell("unwitnessed", "No checkpoint that lies here is stamped by an authority that is trusted.");
  }
  return [...newest.values()];
}

async function verifyOne(each: Witnessed, options: WitnessedOptions): Promise<Vouched[]> {
  const { path, size } = each;
  const { keys, tell, verifyGrowth } = options;
  if (each.checkpoint === null) {
    tell("witnessed-damaged", `${path} is missing, of which there is a stamp.`, path);
    return [];
  }
  try {
    const note = parseNote(each.checkpoint, path);
    const kept = parseCheckpoint(note.text, path);
    if (kept.size !== size) {
      tell(
        "witnessed-damaged",
        `${path} is of ${kept.size} events, and not of those that its name says.`,
        path,
      );
      return [];
    }
    await verifyGrowth(kept, path);
    const opened = openCheckpoint(each.checkpoint, { origin: kept.origin, ...keys }, path);
    const { authorities } = keys;
    if (each.stamp === null || authorities.length === 0) return cosignaturesOf(opened);
    const { time, certificate } = verifyTimeStamp(each.stamp, checkpointDigest(note), { authorities });
    const stamp = { kind: "time-stamp", by: certificate.subject, size, time: time.toISOString() } as const;
    return [...cosignaturesOf(opened), stamp];
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || thrown.code === "LOG_UNREADABLE") throw thrown;
    const isUnknown = thrown.code === "KEY_UNKNOWN";
    tell(isUnknown ? "key-unknown" : "witnessed-damaged", `${path}: ${thrown.message}`, path);
    return [];
  }
}

function cosignaturesOf({ size, signatures }: OpenedCheckpoint): Vouched[] {
  return signatures
    .filter(({ key }) => key.type === noteKeyTypes.cosignature)
    .map(({ name, signature }) => {
      const seconds = Number(splitCosignature(signature)?.seconds ?? 0n);
      return { kind: "witness", by: name, size, time: timeOf(seconds) };
    });
}

/** Of a witness that says a time which no date has. */
function timeOf(seconds: number): string {
  const date = new Date(1000 * seconds);
  return Number.isNaN(date.getTime()) ? `${seconds} s after 1970` : date.toISOString();
}
