/** Requests have a number each, from their beginning to their end, and nothing holds them meanwhile. */
interface Begun {
  readonly id: number;
  readonly at: number;
}

export class Requests {
  readonly #begun = new WeakMap<object, Begun>();
  #next = 0;

  /** @returns its number */
  begin(request: unknown): number {
    const id = this.#next++;
    if (typeof request === "object" && request !== null) {
      this.#begun.set(request, { id, at: performance.now() });
    }
    return id;
  }

  /** Its number, and milliseconds since it began; both NaN for one that began unseen. */
  soFar(request: unknown): readonly [number, number] {
    const begun = typeof request === "object" && request !== null ? this.#begun.get(request) : undefined;
    return begun === undefined ? [Number.NaN, Number.NaN] : [begun.id, performance.now() - begun.at];
  }
}

/** Without the query, which has what callers give, and without what an absolute form has before its path. */
export function pathOf(target: string): string {
  const path = target.startsWith("/") ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "");
  const end = path.search(/[?#]/);
  return end < 0 ? path : path.slice(0, end);
}

/** Without name and password. */
export function hostOf(origin: string): string {
  return URL.parse(origin)?.host ?? "";
}
