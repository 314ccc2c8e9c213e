/** The states that were visited: a hash table from 64 bits to two numbers, in typed arrays for millions of them. */
export class StateTable {
  size = 0;
  #capacity = 0;
  #keys = new Int32Array(0);
  #values = new Float64Array(0);

  constructor() {
    this.clear();
  }

  clear(): void {
    this.size = 0;
    this.#allocate(1 << 12);
  }

  #allocate(capacity: number): void {
    this.#capacity = capacity;
    this.#keys = new Int32Array(capacity * 2);
    // NaN in the first value: a place without a state.
    this.#values = new Float64Array(capacity * 2).fill(Number.NaN);
  }

  /** The place of a state, made for it with `first` and 0 when it is new: see `wasNew`. Valid until the next call. */
  place(low: number, high: number, first: number): number {
    if (this.size * 2 >= this.#capacity) this.#double();
    const place = this.#find(low, high);
    this.wasNew = Number.isNaN(this.#values[place]!);
    if (this.wasNew) {
      this.#put(place, low, high, first, 0);
      this.size++;
    }
    return place;
  }
  wasNew = false;

  first(place: number): number {
    return this.#values[place]!;
  }
  second(place: number): number {
    return this.#values[place + 1]!;
  }
  set(place: number, first: number, second: number): void {
    this.#values[place] = first;
    this.#values[place + 1] = second;
  }

  #find(low: number, high: number): number {
    const mask = this.#capacity - 1;
    let at = low & mask;
    while (
      !Number.isNaN(this.#values[at * 2]!) &&
      (this.#keys[at * 2] !== low || this.#keys[at * 2 + 1] !== high)
    ) {
      at = (at + 1) & mask;
    }
    return at * 2;
  }

  #put(place: number, low: number, high: number, first: number, second: number): void {
    this.#keys[place] = low;
    this.#keys[place + 1] = high;
    this.set(place, first, second);
  }

  #double(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#allocate(this.#capacity * 2);
    for (let i = 0; i < values.length; i += 2) {
      if (Number.isNaN(values[i]!)) continue;
      this.#put(this.#find(keys[i]!, keys[i + 1]!), keys[i]!, keys[i + 1]!, values[i]!, values[i + 1]!);
    }
  }
}
