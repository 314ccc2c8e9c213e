/**
 * Which channels go together. Every channel that is seen gets a label; labels that must be kept or removed together
 * are united, and a label that must stay is pinned, with the reason. What is united with a pinned one is pinned.
 */

/** A label a channel, by its place along an axis. The same label at several places: they go together. */
export type Labels = Int32Array;

export class Coupling {
  readonly #parents: number[] = [];
  /** By root. */
  readonly #pins = new Map<number, string>();

  /** Labels that nothing else has. */
  fresh(count: number): Labels {
    const first = this.#parents.length;
    for (let i = 0; i < count; i++) this.#parents.push(first + i);
    return Int32Array.from({ length: count }, (_, i) => first + i);
  }

  /** The one label that stands for all it is united with. */
  find(label: number): number {
    let root = label;
    while (this.#parents[root] !== root) root = this.#parents[root]!;
    for (let at = label; at !== root; ) {
      const next = this.#parents[at]!;
      this.#parents[at] = root;
      at = next;
    }
    return root;
  }

  unite(a: number, b: number): void {
    const [low, high] = [this.find(a), this.find(b)].sort((x, y) => x - y) as [number, number];
    if (low === high) return;
    this.#parents[high] = low;
    const reason = this.#pins.get(high);
    this.#pins.delete(high);
    if (reason !== undefined && !this.#pins.has(low)) this.#pins.set(low, reason);
  }

  uniteAll(a: Labels, b: Labels): void {
    for (let i = 0; i < a.length; i++) this.unite(a[i]!, b[i]!);
  }

  /** The first reason stays. */
  pin(labels: Labels, reason: string): void {
    for (const label of labels) {
      const root = this.find(label);
      if (!this.#pins.has(root)) this.#pins.set(root, reason);
    }
  }

  /** Why a label must stay; null when it may go. */
  pinnedBy(label: number): string | null {
    return this.#pins.get(this.find(label)) ?? null;
  }
}
