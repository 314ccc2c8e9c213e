/**
 * The packets of one direction that are under way: their bytes in slots of one buffer that is made once, and a heap of
 * them by the time they leave (several flows do not leave in the order they came). Nothing is allocated a packet.
 */

/** The largest packet, bytes: the MTU of the emulated link with room. */
export const slotBytes = 2048;

export class PacketsUnderWay {
  readonly #bytes: Uint8Array;
  readonly #lengths: Uint16Array;
  readonly #free: Uint32Array;
  #freeCount: number;
  /** The heap: leaving time, order of arrival among equal times, slot. */
  readonly #times: Float64Array;
  readonly #orders: Float64Array;
  readonly #slots: Uint32Array;
  #count = 0;
  #arrived = 0;

  /** @param capacity packets at once. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity * slotBytes);
    this.#lengths = new Uint16Array(capacity);
    this.#free = Uint32Array.from({ length: capacity }, (_, i) => i);
    this.#freeCount = capacity;
    this.#times = new Float64Array(capacity);
    this.#orders = new Float64Array(capacity);
    this.#slots = new Uint32Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#freeCount === 0;
  }

  /** When the next leaves, ms; infinity where none is under way. */
  get nextAt(): number {
    return this.#count === 0 ? Number.POSITIVE_INFINITY : this.#times[0]!;
  }

  /** Copies the packet. MUST NOT be called when full. */
  push(packet: Uint8Array, at: number): void {
    const slot = this.#free[--this.#freeCount]!;
    this.#bytes.set(packet, slot * slotBytes);
    this.#lengths[slot] = packet.length;
    let hole = this.#count++;
    const order = this.#arrived++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (this.#times[parent]! <= at) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#set(hole, at, order, slot);
  }

  /** The next packet, a view that holds until the next `push`. MUST NOT be called when empty. */
  shift(): Uint8Array {
    const slot = this.#slots[0]!;
    this.#free[this.#freeCount++] = slot;
    const last = --this.#count;
    if (last > 0) this.#sink(this.#times[last]!, this.#orders[last]!, this.#slots[last]!);
    const start = slot * slotBytes;
    return this.#bytes.subarray(start, start + this.#lengths[slot]!);
  }

  #sink(at: number, order: number, slot: number): void {
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= this.#count) break;
      if (child + 1 < this.#count && this.#isBefore(child + 1, this.#times[child]!, this.#orders[child]!))
        child++;
      if (!this.#isBefore(child, at, order)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#set(hole, at, order, slot);
  }

  #isBefore(index: number, at: number, order: number): boolean {
    const time = this.#times[index]!;
    return time < at || (time === at && this.#orders[index]! < order);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#times[from]!, this.#orders[from]!, this.#slots[from]!);
  }

  #set(index: number, at: number, order: number, slot: number): void {
    this.#times[index] = at;
    this.#orders[index] = order;
    this.#slots[index] = slot;
  }
}
