/**
 * `retention.json`: what the log records of its retention up to an event, so that whoever opens a log that goes back for years need
 * not read all of it. Signed by the log's key: else who can write files, and not sign, could name segments there that he
 * removed himself, and the next event would call them removed by retention.
 *
 *     ORIGIN
 *     retention
 *     {"next":4711,"keep":"P180D","holds":[...],"removed":"0-1023","swept":"0-1023"}
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CupelError, writeFileAtomically } from "@cupel/base";
import Type from "typebox";
import { Compile } from "typebox/compile";
import type { NoteKey, NoteSigningKey } from "../note/note-key.ts";
import { formatNote, openNote, parseNote, signNote } from "../note/signed-note.ts";
import { IndexRanges } from "./index-ranges.ts";
import type { RetentionState } from "./retention-history.ts";

export const savedFile = "retention.json";

export interface SavedRetention {
  readonly state: RetentionState;
  /** Index of the first event that it does not know. */
  readonly next: number;
  /** Of what is recorded as removed, that whose files are gone. */
  readonly swept: IndexRanges;
}

const index = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const compiled = Compile(
  Type.Object({
    next: index,
    keep: Type.Union([Type.String(), Type.Null()]),
    holds: Type.Array(
      Type.Object({
        hold: Type.Object({ id: Type.String(), from: Type.String(), to: Type.String() }),
        set: index,
        released: Type.Union([index, Type.Null()]),
      }),
    ),
    removed: Type.String(),
    swept: Type.String(),
  }),
);

const headOf = (origin: string): string => `${origin}\nretention\n`;

/** @param key of the log, whose name is not always its origin. @throws WRITE_FAILED, DISK_FULL */
export async function saveRetention(
  folder: string,
  origin: string,
  key: NoteSigningKey,
  { state, next, swept }: SavedRetention,
): Promise<void> {
  const { keep, holds, removed } = state;
  const json = JSON.stringify({ next, keep, holds, removed: removed.text, swept: swept.text });
  const note = signNote(`${headOf(origin)}${json}\n`, [key]);
  await writeFileAtomically(join(folder, savedFile), formatNote(note));
}

/** Null where there is none, or none that the log's keys signed. */
export async function readRetention(
  folder: string,
  origin: string,
  keys: readonly NoteKey[],
): Promise<SavedRetention | null> {
  const head = headOf(origin);
  try {
    const note = parseNote(await readFile(join(folder, savedFile)));
    openNote(note, keys);
    const value: unknown = note.text.startsWith(head) ? JSON.parse(note.text.slice(head.length)) : null;
    if (!compiled.Check(value)) return null;
    const removed = IndexRanges.parse(value.removed);
    const swept = IndexRanges.parse(value.swept);
    if (removed === null || swept === null) return null;
    return { state: { keep: value.keep, holds: value.holds, removed }, next: value.next, swept };
  } catch (thrown) {
    const isAbsent = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
    if (isAbsent || thrown instanceof SyntaxError || thrown instanceof CupelError) return null;
    throw thrown;
  }
}
