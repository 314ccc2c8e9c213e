/**
 * Values that this thread has decoded lately. One is handed out only if the core says that its block is still
 * what the map has, so a hit is as current as a read of the map; what it saves is finding and decoding.
 */
export interface NearEntry {
  readonly value: unknown;
  readonly block: number;
  readonly generation: number;
  /** Of the memory's layout when it was read. */
  readonly layout: number;
  readonly expiry: number;
}

export class NearCache {
  readonly #entries = new Map<string | number, NearEntry>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: string | number): NearEntry | undefined {
    return this.#entries.get(key);
  }

  /** Takes the place of the oldest when there is no room. */
  put(key: string | number, entry: NearEntry): void {
    if (this.#entries.size >= this.#capacity && !this.#entries.has(key)) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    this.#entries.set(key, entry);
  }

  delete(key: string | number): void {
    this.#entries.delete(key);
  }
}
