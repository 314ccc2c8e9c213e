/**
 * A queue that is fair between callers: first in, first out of each, and one after the other among them, so that who
 * asks for much does not push those aside who ask for little.
 *
 * Invariants: a caller is in `#callers` exactly while it has an item here; their order is that of their turns.
 * Adding and removing take constant time; a round looks at each caller's first item.
 */

/**
 * What becomes of an item that was offered:
 * - `leaves`: it is out of the queue, and its caller's next turn comes after those of all others;
 * - `stays`: it has had its caller's turn, and is offered again at the next;
 * - `waits`: it has had no turn and keeps its place before all that had one.
 */
export type Turn = "leaves" | "stays" | "waits";

export interface QueuedItem {
  readonly caller: string;
}

interface Link<Item> {
  readonly item: Item;
  previous: Link<Item> | null;
  next: Link<Item> | null;
}

interface Line<Item> {
  first: Link<Item>;
  last: Link<Item>;
}

export class FairQueue<Item extends QueuedItem> {
  /** A Map's order is that of insertion: taken out and put in again, a caller stands at its end. */
  readonly #callers = new Map<string, Line<Item>>();
  readonly #links = new Map<Item, Link<Item>>();

  get size(): number {
    return this.#links.size;
  }

  /** Whose turn it is. */
  get first(): Item | undefined {
    const { value } = this.#callers.values().next();
    return value?.first.item;
  }

  add(item: Item): void {
    const line = this.#callers.get(item.caller);
    const link: Link<Item> = { item, previous: line?.last ?? null, next: null };
    this.#links.set(item, link);
    if (line === undefined) {
      this.#callers.set(item.caller, { first: link, last: link });
      return;
    }
    line.last.next = link;
    line.last = link;
  }

  /** Whether it was there. */
  remove(item: Item): boolean {
    const link = this.#links.get(item);
    if (link === undefined) return false;
    this.#links.delete(item);
    const { previous, next } = link;
    const line = this.#callers.get(item.caller)!;
    if (previous !== null) previous.next = next;
    if (next !== null) next.previous = previous;
    if (previous === null && next === null) this.#callers.delete(item.caller);
    else if (previous === null) line.first = next!;
    else if (next === null) line.last = previous;
    return true;
  }

  /** Offers each caller's first item in turn, again and again, until `offer` gives null or nobody takes a turn any more. */
  round(offer: (item: Item) => Turn | null): void {
    // The walk meets again whoever is put in at the end.
    for (const [caller, line] of this.#callers) {
      const { item } = line.first;
      const turn = offer(item);
      if (turn === null) return;
      if (turn === "waits") continue;
      if (turn === "leaves") this.remove(item);
      if (this.#callers.delete(caller)) this.#callers.set(caller, line);
    }
  }

  /** Items in the order of their arrival. */
  [Symbol.iterator](): IterableIterator<Item> {
    return this.#links.keys();
  }
}
