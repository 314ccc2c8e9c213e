/**
 * The policy `spill`. Once something lies in the second folder, events go there until all of it has been brought to the
 * log, so that their order stays. Where neither folder takes them they wait, as under `block`.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Batch } from "./event-queue.ts";
import { gatherLines } from "./line-pile.ts";
import type { Spill } from "./spill.ts";
import { Backoff, causeOf, type PolicyParts, type TroublePolicy } from "./trouble-policy.ts";

export interface SpillPolicyParts extends PolicyParts {
  readonly spill: Spill;
  /** Index that the next event of the log gets. */
  readonly logNext: () => number;
}

export class SpillPolicy implements TroublePolicy {
  readonly #parts: SpillPolicyParts;
  readonly #backoff: Backoff;

  constructor(parts: SpillPolicyParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.clock);
  }

  async keep(batch: Batch): Promise<void> {
    const { log, counters } = this.#parts;
    if (this.#backoff.isOver) {
      try {
        await this.#replay();
        if (this.#parts.spill.isEmpty) {
          await log.keep(batch);
          this.#succeeded();
          return;
        }
      } catch (thrown) {
        counters.trouble = causeOf(thrown);
        counters.faults[counters.trouble]++;
        this.#backoff.failed();
      }
    }
    await this.#spill(batch);
  }

  async tend(): Promise<void> {
    const { spill, counters } = this.#parts;
    try {
      while (!spill.isEmpty && this.#backoff.isOver) await this.#replay();
      if (spill.isEmpty) this.#succeeded();
    } catch (thrown) {
      counters.trouble = causeOf(thrown);
      counters.faults[counters.trouble]++;
      this.#backoff.failed();
    }
  }

  overflow(): null {
    return null;
  }

  async close(): Promise<void> {
    // The last occasion.
    this.#backoff.succeeded();
    await this.tend();
    await this.#parts.spill.close();
  }

  #succeeded(): void {
    this.#backoff.succeeded();
    this.#parts.counters.trouble = null;
  }

  async #replay(): Promise<void> {
    const { spill, log, counters, logNext } = this.#parts;
    if (spill.isEmpty) return;
    counters.replayed += await spill.replayOldest(logNext(), async (lines) => {
      const bytes = new Uint8Array(lines.reduce((sum, { byteLength }) => sum + byteLength + 1, 0));
      let at = 0;
      for (const line of lines) {
        bytes.set(line, at);
        at += line.byteLength;
        bytes[at++] = 0x0a;
      }
      await log.append(bytes, lines.length, () => {});
    });
  }

  async #spill(batch: Batch): Promise<void> {
    const { spill, queue, counters, logNext } = this.#parts;
    try {
      await spill.append(gatherLines(batch), batch.length, logNext());
    } catch (thrown) {
      counters.faults[causeOf(thrown)]++;
      queue.putBack(batch);
      await pause(Math.max(this.#backoff.left, 1));
      return;
    }
    for (const event of batch) event.elsewhere("spilled");
    queue.done(batch);
    counters.spilled += batch.length;
  }
}
