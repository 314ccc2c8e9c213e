/**
 * The one authority for names: a graph and all graphs nested in it share a scope, because ONNX wants
 * names unique through all of them, and a new outer name must never capture what a body means by it.
 * Files that break the rule (both branches of an If using one name) are read, hence the counts.
 */
export class NameScope {
  readonly #holders = new Map<string, number>();
  readonly #suffixes = new Map<string, number>();

  has(name: string): boolean {
    return this.#holders.has(name);
  }

  take(name: string): void {
    this.#holders.set(name, (this.#holders.get(name) ?? 0) + 1);
  }

  release(name: string): void {
    const holders = this.#holders.get(name) ?? 0;
    if (holders > 1) this.#holders.set(name, holders - 1);
    else this.#holders.delete(name);
  }

  /** `base`, or `base_1`, `base_2`, ... whichever nothing has. */
  unique(base: string): string {
    if (!this.has(base)) return base;
    let suffix = this.#suffixes.get(base) ?? 0;
    let name: string;
    do name = `${base}_${++suffix}`;
    while (this.has(name));
    this.#suffixes.set(base, suffix);
    return name;
  }
}
