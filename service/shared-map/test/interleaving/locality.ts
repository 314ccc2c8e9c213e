/**
 * Which places only one thread uses. An operation there need not be a choice: whenever it takes place, it is
 * the same to everybody else (a persistent set of one transition; Godefroid, 1996).
 *
 * Nobody knows beforehand, so each place counts as local until a conflict is seen there. If it was relied upon
 * by then, the exploration begins again, with what was learnt. One that ends without that has relied on facts
 * alone: runs are finite, so the first use against the assumption could not have stayed out of sight.
 */
import type { Request } from "./model-machine.ts";
import { operations } from "./operations.ts";

/** Places of eight bytes; of what has none, -1. */
export function placeOf({ operation, a }: Request): number {
  return operations[operation]!.bytes === 0 ? -1 : a >>> 3;
}

export function areIndependent(one: Request, two: Request): boolean {
  const place = placeOf(one);
  if (place < 0 || place !== placeOf(two)) return true;
  return !operations[one.operation]!.writes && !operations[two.operation]!.writes;
}

export class Locality {
  readonly #readers: Int32Array;
  readonly #writers: Int32Array;
  // Threads whose reads, or writes, were taken as nobody else's business.
  readonly #reliedReaders: Int32Array;
  readonly #reliedWriters: Int32Array;

  constructor(byteLength: number) {
    const places = Math.ceil(byteLength / 8);
    this.#readers = new Int32Array(places);
    this.#writers = new Int32Array(places);
    this.#reliedReaders = new Int32Array(places);
    this.#reliedWriters = new Int32Array(places);
  }

  /** Whether nobody else is known to have to do with what this thread does next. */
  isLocal(thread: number, request: Request): boolean {
    const place = placeOf(request);
    if (place < 0) return true;
    const others = operations[request.operation]!.writes
      ? this.#readers[place]! | this.#writers[place]!
      : this.#writers[place]!;
    return (others & ~(1 << thread)) === 0;
  }

  relyOn(thread: number, request: Request): void {
    const place = placeOf(request);
    if (place < 0) return;
    if (operations[request.operation]!.writes) this.#reliedWriters[place]! |= 1 << thread;
    else this.#reliedReaders[place]! |= 1 << thread;
  }

  /** Notes an access. False when it proves an assumption wrong that was relied upon. */
  note(thread: number, request: Request): boolean {
    const place = placeOf(request);
    if (place < 0) return true;
    let relied = this.#reliedWriters[place]!;
    if (operations[request.operation]!.writes) {
      relied |= this.#reliedReaders[place]!;
      this.#writers[place]! |= 1 << thread;
    } else {
      this.#readers[place]! |= 1 << thread;
    }
    return (relied & ~(1 << thread)) === 0;
  }

  /** For the next attempt: what was seen stays, what was relied upon does not. */
  restart(): void {
    this.#reliedReaders.fill(0);
    this.#reliedWriters.fill(0);
  }
}
