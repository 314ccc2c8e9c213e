/**
 * The counters of one attachment. A key has one handle here for as long as somebody has it: it is given up when it
 * is closed, or collected, or the map is closed. The entry counts its handles (`fix`, `unfix`), and is like any
 * other integer when it has none.
 */
import type { Attachment } from "./attachment.ts";
import { Counter } from "./counter.ts";

/** Gives handles up that were collected unclosed. */
const collected = new FinalizationRegistry<() => void>((release) => release());

export class Counters {
  readonly #attachment: Attachment;
  /** By key; by the text of their bytes, those that are compared by content. */
  readonly #byKey = new Map<unknown, WeakRef<Counter>>();
  readonly #byContent = new Map<unknown, WeakRef<Counter>>();
  readonly #releases = new Set<() => void>();

  constructor(attachment: Attachment) {
    this.#attachment = attachment;
  }

  /** @throws what `SharedMap.counter` throws */
  get(key: unknown): Counter {
    const attachment = this.#attachment;
    const isByContent = typeof key === "object";
    const live = isByContent ? this.#byContent : this.#byKey;
    const place = isByContent ? attachment.contentOf(key) : key;
    const kept = live.get(place)?.deref();
    if (kept !== undefined) return kept;
    const { core, lane } = attachment;
    const address = core.fix(lane, attachment.putKey(key), attachment.now());
    const { found: block, foundHash: hash } = attachment;
    attachment.onGone?.();
    if (address === 0) attachment.fail(block);
    const token = {};
    const release = () => {
      if (!this.#releases.delete(release)) return;
      collected.unregister(token);
      // Another handle to the key may have been made since this one was collected.
      if (live.get(place) === reference) live.delete(place);
      attachment.core.unfix(lane, block, hash, attachment.now());
    };
    const counter = new Counter(attachment, address, hash, release);
    const reference = new WeakRef(counter);
    this.#releases.add(release);
    live.set(place, reference);
    collected.register(counter, release, token);
    return counter;
  }

  /** Gives all handles up. */
  close(): void {
    for (const release of this.#releases) release();
  }
}
