/**
 * The thread that carries packets between two TUN devices. It reads each until it is empty, asks the direction when each
 * packet leaves, and writes what is due; then it sleeps, for a fraction of a millisecond at most. Node.js cannot wait for a
 * TUN device, and a read in its thread pool for each packet loses a quarter of them; a read that does not block costs a few
 * microseconds.
 */
import { readSync, writeSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { Direction, type DirectionSpec } from "./direction.ts";
import { flowOf } from "./flow-of-packet.ts";
import { PacketsUnderWay, slotBytes } from "./packets-under-way.ts";
import { counted, rowOf } from "./relay-counters.ts";

export interface RelayThreadData {
  /** Of the near and the far device. */
  readonly descriptors: readonly [number, number];
  readonly specs: readonly [DirectionSpec, DirectionSpec];
  readonly seed: number;
  readonly counters: SharedArrayBuffer;
  /** Not 0: the thread is to end. */
  readonly stop: SharedArrayBuffer;
}

/** The thread looks at its devices this often, in ms. */
const lookMs = 0.25;
/** Of one device, before the other has its turn. */
const packetsATurn = 256;
/** Packets of a direction under way: 80,000 a second over 200 ms. */
const capacity = 16_384;
const at = (name: (typeof counted)[number]) => counted.indexOf(name);
const columns = {
  packets: at("packets"),
  bytes: at("bytes"),
  lost: at("lost"),
  overflowed: at("overflowed"),
  refused: at("refused"),
  left: at("left"),
  late: at("late"),
};

class Carrier {
  readonly #from: number;
  readonly #to: number;
  readonly #direction: Direction;
  readonly #counters: Float64Array;
  readonly #underWay = new PacketsUnderWay(capacity);
  readonly #packet = new Uint8Array(slotBytes);

  constructor(from: number, to: number, direction: Direction, counters: Float64Array) {
    this.#from = from;
    this.#to = to;
    this.#direction = direction;
    this.#counters = counters;
  }

  get nextAt(): number {
    return this.#underWay.nextAt;
  }

  takeIn(): void {
    for (let i = 0; i < packetsATurn; i++) {
      let bytes: number;
      try {
        bytes = readSync(this.#from, this.#packet);
      } catch {
        // Empty, or the device is being taken down.
        return;
      }
      if (bytes <= 0) return;
      const packet = this.#packet.subarray(0, bytes);
      const flow = flowOf(packet);
      if (flow !== null) this.#admit(packet, flow);
    }
  }

  #admit(packet: Uint8Array, flow: number): void {
    this.#count(columns.packets);
    this.#count(columns.bytes, packet.length);
    const fate = this.#direction.admit(performance.now(), packet.length, flow);
    if (fate.kind === "lost") this.#count(columns.lost);
    else if (fate.kind === "overflowed") this.#count(columns.overflowed);
    else if (this.#underWay.isFull) this.#count(columns.refused);
    else this.#underWay.push(packet, fate.at);
  }

  handOn(): void {
    while (this.#underWay.nextAt <= performance.now()) {
      const due = this.#underWay.nextAt;
      try {
        writeSync(this.#to, this.#underWay.shift());
        this.#count(columns.left);
        if (performance.now() - due > 1) this.#count(columns.late);
      } catch {
        this.#count(columns.refused);
      }
    }
  }

  #count(column: number, by = 1): void {
    this.#counters[column] = (this.#counters[column] ?? 0) + by;
  }
}

function carry({ descriptors: [near, far], specs, seed, counters, stop }: RelayThreadData): void {
  // What says that a device is empty is thrown thousands of times a second: where from costs most of it.
  Error.stackTraceLimit = 0;
  const carriers = [
    new Carrier(near, far, new Direction(specs[0], 2 * seed), rowOf(counters, 0)),
    new Carrier(far, near, new Direction(specs[1], 2 * seed + 1_000_003), rowOf(counters, 1)),
  ];
  const stopped = new Int32Array(stop);
  while (Atomics.load(stopped, 0) === 0) {
    for (const each of carriers) each.takeIn();
    for (const each of carriers) each.handOn();
    const nextAt = Math.min(...carriers.map((each) => each.nextAt));
    const restMs = Math.min(lookMs, nextAt - performance.now());
    if (restMs > 0) Atomics.wait(stopped, 0, 0, restMs);
  }
}

carry(workerData);
