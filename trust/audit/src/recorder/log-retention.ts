/** Retention of the log that a recorder writes. */
import type { Clock, WorkEvent } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import type { Disk } from "../journal/disk.ts";
import { Retention } from "../retention/retention.ts";
import { logFolders, type OpenLog, type TreeOptions } from "./open-log.ts";
import type { Receipt } from "./receipt.ts";

export interface RetainedLog {
  readonly folder: string;
  readonly origin: string;
  readonly tree: TreeOptions | null;
  readonly disk: Disk;
  readonly clock: Clock;
}

/**
 * Null of a log without a tree, which could not show what was removed.
 * @param record of events that are not masked: they are read back
 * @param onFault told of a pass that ended early
 */
export function retentionOf(
  { folder, origin, tree, disk, clock }: RetainedLog,
  { lock, journal, tree: owner }: OpenLog,
  record: (event: WorkEvent) => Promise<Receipt>,
  onFault: (message: string) => void,
): Retention | null {
  if (tree === null || owner === null) return null;
  const log = {
    folder,
    journal: logFolders.journal,
    origin,
    key: tree.key,
    formerKeys: tree.formerKeys ?? [],
    disk,
    clock,
    opened: journal.next,
    next: () => journal.next,
    published: () => owner.state.published,
    publish: (size: number) => owner.published(size),
    record: async (event: WorkEvent) => {
      const { state, index } = await record(event);
      if (index !== null) return index;
      throw auditErrors.error("RECORD_UNAVAILABLE", `What retention does is not in the log: ${state}.`);
    },
    assertHeld: () => lock.assertHeld(),
  };
  return new Retention(log, onFault);
}
