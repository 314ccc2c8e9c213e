/** What retention would do now, for who only looks: nothing is written, and the log may have a writer. */
import { join } from "node:path";
import { type Clock, systemClock } from "@cupel/base";
import { systemDisk } from "../journal/disk.ts";
import { parseCheckpoint } from "../note/checkpoint.ts";
import type { NoteKey } from "../note/note-key.ts";
import { parseNote } from "../note/signed-note.ts";
import { logFolders } from "../recorder/open-log.ts";
import { readLog } from "../tree/log-reader.ts";
import { dueSegments } from "./due-segments.ts";
import { policyChanges } from "./policy-changes.ts";
import { readHistory } from "./read-history.ts";
import type { SegmentSpan } from "./retention-events.ts";
import { parseRetentionPolicy, type RetentionPolicy, readRetentionPolicy } from "./retention-policy.ts";

export interface RetentionPlan {
  readonly policy: RetentionPolicy;
  /** To be removed. */
  readonly due: readonly SegmentSpan[];
  /** Old enough, and covered by a hold or needed to tell one. */
  readonly held: readonly SegmentSpan[];
  /** Events that are removed already. */
  readonly removed: number;
}

export interface PlanRetentionOptions {
  /** Present and former ones of the log. */
  readonly logKeys: readonly NoteKey[];
  /** In place of that of the policy. */
  readonly keep?: string | undefined;
  readonly clock?: Clock;
}

/**
 * @throws RETENTION_POLICY_INVALID; LOG_FILE_MISSING where there is no checkpoint, and what reading it throws; LOG_DAMAGED
 */
export async function planRetention(
  folder: string,
  { logKeys, keep, clock = systemClock }: PlanRetentionOptions,
): Promise<RetentionPlan> {
  const written = (await readRetentionPolicy(folder)) ?? {};
  const policy = parseRetentionPolicy(keep === undefined ? written : { ...written, keep });
  const { origin, size } = parseCheckpoint(parseNote(await readLog(folder).checkpoint()).text);
  const { journal } = logFolders;
  const { history } = await readHistory({ folder, journal, disk: systemDisk, origin, logKeys });
  const now = clock.now();
  for (const { step } of policyChanges(policy, history, now)) history.take(step, Number.MAX_SAFE_INTEGER);
  const { due, held } = await dueSegments({
    disk: systemDisk,
    folder: join(folder, journal),
    history,
    published: size,
    before: now - policy.keepMs,
    known: new Map(),
  });
  return { policy, due, held, removed: history.removed.count };
}
