/**
 * Who reads the record is recorded too. A log has one writer, and whoever reads it must neither need its keys nor keep a
 * server from starting. So a reader leaves what it is about to do as a file in `reading/`, durable before anything is
 * shown, and the writer takes it in: within a second where there is one, else when the next one opens the log. Until then it is as
 * safe as its file is, and not part of the tree.
 *
 *     reading/1795744869123-0b8c...json   { "action": "AUDIT.READ", "subject": "alice", "time": ..., "object": {}, "context": {} }
 *
 * Nothing that masking would have to hide may be in it but the name of the account, which the file's owner tells anyway.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { type Clock, type EventFacts, systemClock, writeError, writeFileAtomically } from "@cupel/base";
import type { ActionCode } from "../event/actions.ts";
import { systemDisk } from "../journal/disk.ts";

/** What a reader may say that it does. */
export const readingActions = [
  "AUDIT.READ",
  "AUDIT.PROVE",
  "AUDIT.VERIFY",
  "AUDIT.VERIFY.FAIL",
] as const satisfies readonly ActionCode[];

export interface Reading {
  readonly action: (typeof readingActions)[number];
  /** Name of the account. */
  readonly subject: string;
  /** Of what: an index, a size. */
  readonly object: EventFacts;
  /** How: the command, its verdict. No text that was searched for. */
  readonly context: EventFacts;
}

/** Within the log. */
export const readingFolder = "reading";

export const readingName = /^\d{13}-([0-9a-f]{8}-[0-9a-f-]{27})\.json$/;

/** Durable when it resolves. @param folder of the log. @throws WRITE_FAILED, DISK_FULL */
export async function handOverReading(
  folder: string,
  { action, subject, object, context }: Reading,
  clock: Clock = systemClock,
): Promise<void> {
  const now = clock.now();
  const within = join(folder, readingFolder);
  const path = join(within, `${String(now).padStart(13, "0")}-${randomUUID()}.json`);
  const time = new Date(now).toISOString();
  try {
    await systemDisk.makeFolder(within);
    await writeFileAtomically(path, `${JSON.stringify({ action, subject, time, object, context })}\n`);
    await systemDisk.syncFolder(within);
  } catch (thrown) {
    throw writeError(path, thrown);
  }
}
