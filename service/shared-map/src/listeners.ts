/**
 * Who is told what this thread's calls evict or find expired. The core notes it (`core/events.ts`) while it holds locks; from
 * there it is taken between two calls, and handed out in a task of its own, when the map is in the middle of nothing.
 */
import type { Attachment } from "./attachment.ts";
import { EVENTS_BYTES, EVENTS_LOST, EVENTS_USED, EXPIRATIONS } from "./core/layout.ts";
import { mapClosed } from "./core-failure.ts";

/** Those that wait to be handed out, while a thread does not get to its event loop. */
const mostWaiting = 10_000;

export interface EvictionEvent<K, V> {
  readonly key: K;
  /** undefined too for a value of more than 1,024 bytes, which is not kept for this. */
  readonly value: V | undefined;
  readonly reason: "evicted" | "expired";
}

type Listener = (event: EvictionEvent<unknown, unknown>) => void;

export class Listeners {
  readonly #attachment: Attachment;
  readonly #listeners = new Set<Listener>();
  /** As they are stored: codecs are the user's code. */
  #waiting: EvictionEvent<unknown, unknown>[] = [];
  #isDue = false;
  #isClosed = false;

  constructor(attachment: Attachment) {
    this.#attachment = attachment;
  }

  /** @throws MAP_CLOSED */
  add(listener: Listener): Disposable {
    if (this.#isClosed) throw mapClosed();
    // The same function may listen twice.
    const own: Listener = (event) => listener(event);
    if (this.#listeners.size === 0) this.#listen(true);
    this.#listeners.add(own);
    return {
      [Symbol.dispose]: () => {
        if (this.#listeners.delete(own) && this.#listeners.size === 0 && !this.#isClosed) this.#listen(false);
      },
    };
  }

  #listen(isWanted: boolean): void {
    const attachment = this.#attachment;
    attachment.core.wantEvents(attachment.lane, Number(isWanted));
    attachment.onGone = isWanted ? () => this.#notice() : undefined;
  }

  #usedAt(): number {
    return (this.#attachment.lane + EVENTS_USED) >> 2;
  }

  #notice(): void {
    const used = this.#attachment.words[this.#usedAt()]!;
    if (used === 0) return;
    if (used > EVENTS_BYTES / 2) this.#collect();
    if (!this.#isDue) setImmediate(() => this.#deliver());
    this.#isDue = true;
  }

  /** Takes what the core has noted, so that it has room for more. Uses the scratch. */
  #collect(): void {
    const attachment = this.#attachment;
    const { core, lane, words, doubles } = attachment;
    const used = words[this.#usedAt()]!;
    for (let at = 0; at < used; ) {
      at = core.takeEvent(lane, at);
      const reason = attachment.found === EXPIRATIONS ? "expired" : "evicted";
      const meta = attachment.foundValueMeta;
      const value = meta === 0 ? undefined : attachment.values.takeStored(meta);
      const key = attachment.copyKey(attachment.foundKeyMeta);
      if (this.#waiting.length < mostWaiting) this.#waiting.push({ key, value, reason });
      else doubles[(lane + EVENTS_LOST) >> 3]! += 1;
    }
    words[this.#usedAt()] = 0;
  }

  #deliver(): void {
    this.#isDue = false;
    if (!this.#isClosed) this.#collect();
    const events = this.#waiting;
    this.#waiting = [];
    for (const { key, value, reason } of events) {
      const event = () => ({
        key: this.#attachment.decodeKey(key),
        value: this.#attachment.values.decoded(value),
        reason,
      });
      for (const listener of this.#listeners) isolated(() => listener(event()));
    }
  }

  /** What was noted before is handed out still. */
  close(): void {
    if (this.#listeners.size > 0) this.#collect();
    this.#isClosed = true;
    this.#attachment.onGone = undefined;
  }
}

/** What a listener throws is the program's uncaught exception, and neither the map's nor another listener's matter. */
function isolated(call: () => void): void {
  try {
    call();
  } catch (thrown) {
    process.nextTick(() => {
      throw thrown;
    });
  }
}
