/** What a log has recorded of its retention, from the log itself: from where it was saved, or all of it, verified, where it was not. */
import { join } from "node:path";
import { CupelError } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import type { Disk } from "../journal/disk.ts";
import { openCheckpoint } from "../note/checkpoint.ts";
import type { NoteKey } from "../note/note-key.ts";
import { checkTree } from "../tree/check-tree.ts";
import { readLog } from "../tree/log-reader.ts";
import { readSegments } from "../verify/read-segments.ts";
import { IndexRanges } from "./index-ranges.ts";
import { stepOf } from "./retention-events.ts";
import { RetentionHistory } from "./retention-history.ts";
import { readRetention } from "./saved-retention.ts";

export interface ReadHistory {
  readonly history: RetentionHistory;
  readonly swept: IndexRanges;
}

export interface HistoryPlace {
  readonly folder: string;
  /** Within it. */
  readonly journal: string;
  readonly disk: Disk;
  readonly origin: string;
  /** Present and former ones of the log. */
  readonly logKeys: readonly NoteKey[];
}

/**
 * @param to events that count
 * @throws LOG_DAMAGED where it has to be told from all of the log, and that is not what its checkpoint says; what reading a
 * checkpoint throws
 */
export async function readHistory(place: HistoryPlace, to = Number.POSITIVE_INFINITY): Promise<ReadHistory> {
  const { folder, origin, logKeys } = place;
  const saved = await readRetention(folder, origin, logKeys);
  if (saved !== null && saved.next <= to) {
    const history = new RetentionHistory(saved.state);
    await takeJournal(history, place, saved.next, to);
    return { history, swept: saved.swept };
  }
  const history = new RetentionHistory();
  await takeJournal(history, place, await takeEntries(history, place), to);
  return { history, swept: IndexRanges.none };
}

/** Of the bundles, whose hashes are those of the checkpoint. @returns its size */
async function takeEntries(
  history: RetentionHistory,
  { folder, origin, logKeys }: HistoryPlace,
): Promise<number> {
  const log = readLog(folder);
  let bytes: Buffer;
  try {
    bytes = await log.checkpoint();
  } catch (thrown) {
    if (thrown instanceof CupelError && thrown.code === "LOG_FILE_MISSING") return 0;
    throw thrown;
  }
  const checkpoint = openCheckpoint(bytes, { origin, logKeys });
  const onEntry = (entry: Buffer, index: number) => {
    const step = stepOf(entry);
    if (step !== null) history.take(step, index);
  };
  const { faults } = await checkTree(log, checkpoint, { onEntry });
  if (faults.length === 0) return checkpoint.size;
  throw auditErrors.error(
    "LOG_DAMAGED",
    `${folder} is not what its checkpoint says, and nothing of it is removed. See \`cupel audit verify\`.`,
    { details: { folder, faults: faults.length } },
  );
}

async function takeJournal(
  history: RetentionHistory,
  { folder, journal, disk }: HistoryPlace,
  from: number,
  to: number,
): Promise<void> {
  for await (const { first, end, form, lines } of readSegments(disk, join(folder, journal), from)) {
    const count = form === "open" && end !== null ? end - first : Number.POSITIVE_INFINITY;
    for (const [at, line] of (lines ?? []).entries()) {
      const index = first + at;
      const step = index < from || index >= to || at >= count ? null : stepOf(line);
      if (step !== null) history.take(step, index);
    }
  }
}
