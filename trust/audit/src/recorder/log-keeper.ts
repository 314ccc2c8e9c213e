/**
 * Keeps a batch in the log: one write and one synchronisation for all of it, then its bytes go on to the tree as they are.
 * Receipts are given when the tree has them; meanwhile the next batch is written.
 *
 * They are given a few hundred in a turn of the event loop. Whoever gets one may have work to do and another event to
 * record: were all of a batch answered at once the thread would do nothing else for as long, and the disk nothing at all.
 */
import type { Journal } from "../journal/journal.ts";
import { JournalFault } from "../journal/journal-fault.ts";
import type { Batch, EventQueue } from "./event-queue.ts";
import { gatherLines } from "./line-pile.ts";
import type { RecorderCounters } from "./recorder-metrics.ts";
import type { TreeOwner } from "./tree-owner.ts";

/** Events that are durable and not in the tree: beyond, the tree is in trouble and nothing more is taken. */
export const mostBehind = 200_000;

export interface LogKeeperOptions {
  readonly journal: Journal;
  readonly tree: TreeOwner | null;
  readonly queue: EventQueue;
  readonly counters: RecorderCounters;
  /** Resolves when all that events depend on, such as keys, is durable. */
  readonly settled: () => Promise<void>;
}

/** In the log, and of a batch whose receipts are not all given. */
interface Logged {
  readonly batch: Batch;
  readonly first: number;
  readonly treeSize: number | null;
  given: number;
}

/** Receipts that are given in a turn of the event loop. */
const receiptsATurn = 512;

export class LogKeeper {
  readonly #options: LogKeeperOptions;
  readonly #logged: Logged[] = [];

  constructor(options: LogKeeperOptions) {
    this.#options = options;
  }

  /** Resolves when the batch is durable; its receipts follow. @throws JournalFault: it is still the caller's then */
  async keep(batch: Batch): Promise<void> {
    await this.append(gatherLines(batch), batch.length, (first, treeSize) => {
      this.#options.counters.logged += batch.length;
      this.#logged.push({ batch, first, treeSize, given: 0 });
      if (this.#logged.length === 1) setImmediate(() => this.#give());
    });
  }

  #give(): void {
    for (let left = receiptsATurn; left > 0; ) {
      const [logged] = this.#logged;
      if (logged === undefined) return;
      const { batch, first, treeSize, given } = logged;
      const end = Math.min(batch.length, given + left);
      for (let at = given; at < end; at++) batch[at]?.logged(first + at, treeSize);
      left -= end - given;
      logged.given = end;
      if (end < batch.length) continue;
      this.#logged.shift();
      this.#options.queue.done(batch);
    }
    if (this.#logged.length > 0) setImmediate(() => this.#give());
  }

  /** @param onKept called once they are in the tree too */
  async append(
    lines: Uint8Array<ArrayBuffer>,
    count: number,
    onKept: (first: number, treeSize: number | null) => void,
  ): Promise<void> {
    const { journal, tree, counters, settled } = this.#options;
    if (tree !== null && tree.behind > mostBehind) throw new JournalFault("behind", "The tree is far behind");
    try {
      await settled();
    } catch (thrown) {
      throw JournalFault.of(thrown, "writing keys of subjects");
    }
    const first = await journal.commit(lines, count);
    counters.commits++;
    if (tree === null) onKept(first, null);
    else tree.append(first, count, lines, (treeSize) => onKept(first, treeSize));
  }
}
