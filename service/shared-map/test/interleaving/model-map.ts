/** A map in the memory of the explorer, in segments of one group, and what threads do with it as programs. */
import type { Attachment } from "../../src/attachment.ts";
import { type CheckReport, checkMemory } from "../../src/check.ts";
import {
  ABSENT,
  ANYTHING,
  CLAIMED,
  CONFLICT,
  FOUND,
  FOUND_GENERATION,
  FOUND_HASH,
  FOUND_KEY,
  FOUND_VERSION,
  FOUND_VERSION_ADDRESS,
  LANE_BYTES,
  MAX_INLINE_BYTES,
  MAX_USED,
  NOTHING,
  NUMBER,
  ROW_BYTES,
  ROW_NUMBER,
  ROW_VALUE_META,
  SCRATCH,
  SCRATCH_BATCH,
  SCRATCH_KEY,
  SCRATCH_VALUE,
  SEED,
} from "../../src/core/layout.ts";
import { geometryOf, memoryBytes, writeHeader } from "../../src/geometry.ts";
import { valueType } from "../../src/value-type.ts";
import { loadCore, type ModelCore } from "./generator-core.ts";
import { createModelMachine, type ModelMachine, type Program, runAlone } from "./model-machine.ts";

const numberMeta = (8 << 4) | NUMBER;
const longMeta = ((MAX_INLINE_BYTES + 8) << 4) | valueType.latin1;
const maxThreads = 5;
/** A word of the header that the map has no use for. */
const source = 4000;
const identityOf = (thread: number) => thread + 1;
const seed = 0x1234567;

/**
 * Numbers of the core that make rare things frequent and long ones short: every retirement tries the epoch, nobody spins,
 * eviction looks at 16 blocks at a time, which is at each of them several times.
 */
const constants = {
  SPINS: 0,
  PATIENCE: 4,
  RETIRED_PER_ADVANCE: 1,
  FREED_PER_CALL: 16,
  LIST_MAX: 16,
  VERSION_BITS: 3,
};

/** A program that returns; `Program`'s own parameter is what it returns. */
export type Steps<R = unknown> = Generator<number, R, number>;

export interface CounterHandle {
  readonly address: number;
  readonly block: number;
  readonly hash: number;
}

export interface ModelMapOptions {
  /** Default false. */
  readonly evicts?: boolean;
  /** Slots that a segment uses before it is split; default 7 of its 8. */
  readonly maxUsed?: number;
  /** Groups of a segment, as a power of two; default 0. */
  readonly groupBits?: number;
  /** Whether threads can die between plain stores; default false. */
  readonly pausing?: boolean;
}

export interface NearNote {
  readonly value: number | undefined;
  readonly address: number;
  readonly version: number;
}

export class ModelMap {
  readonly machine: ModelMachine;
  readonly core: ModelCore;
  readonly #lanes: number;

  constructor(options: ModelMapOptions = {}) {
    const { evicts = false, maxUsed = 7, groupBits = 0, pausing = false } = options;
    const geometry = geometryOf({ maxBytes: 2 ** 20, maxThreads, evicts, keeps: true, groupBits });
    this.machine = createModelMachine(memoryBytes(geometry));
    writeHeader(this.machine.buffer, geometry);
    // The same hashes in every run of the tests.
    this.machine.plain.store32(SEED, seed);
    this.machine.plain.store32(SEED + 4, seed);
    this.machine.plain.store32(MAX_USED, maxUsed);
    this.core = loadCore(this.machine, constants, pausing);
    this.#lanes = geometry.lanes;
    for (let i = 0; i < maxThreads; i++) this.alone(this.core.attach!(identityOf(i)) as Program);
    this.alone(this.core.create!(this.lane(0)) as Program);
  }

  lane(thread: number): number {
    return this.#lanes + thread * LANE_BYTES;
  }

  hashOf(key: number): number {
    const place = this.#scratch(0) + SCRATCH_KEY;
    this.#put(place, key);
    return this.alone(this.core.hashBytes!(place, 8) as Steps<number>);
  }

  /** Runs a program to its end, before or after the exploration. */
  alone<R>(program: Steps<R>): R {
    return runAlone(this.machine, program as never) as R;
  }

  /** Runs so many steps of a program and no more. False when it has ended before. */
  abandon(program: Steps, steps: number): boolean {
    const { machine } = this;
    machine.enter();
    let step = program.next(0);
    for (let i = 0; i < steps && !step.done; i++) {
      step = program.next(machine.execute(machine.request) as number);
    }
    return !step.done;
  }

  /** What ended threads left is recovered by `thread`. */
  *recoverDead(thread: number): Steps<void> {
    yield* this.core.recoverDead!(this.lane(thread), false) as Steps<number>;
  }

  word(address: number): number {
    return this.machine.words[address >>> 2]!;
  }

  #scratch(thread: number): number {
    return this.word(this.lane(thread) + SCRATCH);
  }

  #put(address: number, value: number): void {
    this.machine.plain.storeF64(address, value);
  }

  *set(thread: number, key: number, value: number): Steps<void> {
    const result = yield* this.#write(thread, key, value, ANYTHING, 0);
    if (result !== 0) throw new Error(`set returned ${result}`);
  }

  /** The same for where the answer may be BUSY. */
  trySet(thread: number, key: number, value: number): Steps<number> {
    return this.#write(thread, key, value, ANYTHING, 0);
  }

  *#write(thread: number, key: number, value: number, expected: number, generation: number): Steps<number> {
    this.#put(this.#scratch(thread) + SCRATCH_KEY, key);
    this.#put(this.#scratch(thread) + SCRATCH_VALUE, value);
    const call = this.core.write!(this.lane(thread), numberMeta, numberMeta, 0, expected, generation, 0, 0);
    return yield* call as Steps<number>;
  }

  /** A value of so many bytes, whatever they are: its block is of another size than that of a number. */
  *setWide(thread: number, key: number, length: number): Steps<void> {
    this.#put(this.#scratch(thread) + SCRATCH_KEY, key);
    const meta = (length << 4) | valueType.bytes;
    const call = this.core.write!(this.lane(thread), numberMeta, meta, 0, ANYTHING, 0, 0, 0);
    const result = yield* call as Steps<number>;
    if (result !== 0) throw new Error(`set returned ${result}`);
  }

  /** A value of two chunks; they are short, which nobody but a reader would mind. */
  *setLong(thread: number, key: number): Steps<void> {
    this.#put(this.#scratch(thread) + SCRATCH_KEY, key);
    const lane = this.lane(thread);
    const block = yield* this.core.stage!(lane, numberMeta, longMeta, 0, 0) as Steps<number>;
    for (let i = 0; i < 2; i++) yield* this.core.prependChunk!(lane, block, 8, 0) as Steps<number>;
    const result = yield* this.core.commit!(lane, block, ANYTHING, 0, 0, 0) as Steps<number>;
    if (result !== 0) throw new Error(`commit returned ${result}`);
  }

  *has(thread: number, key: number): Steps<boolean> {
    this.#put(this.#scratch(thread) + SCRATCH_KEY, key);
    return Boolean(yield* this.core.contains!(this.lane(thread), numberMeta, 0) as Steps<number>);
  }

  *get(thread: number, key: number): Steps<number | undefined> {
    this.#put(this.#scratch(thread) + SCRATCH_KEY, key);
    const meta = yield* this.core.read!(this.lane(thread), numberMeta, 0) as Steps<number>;
    return meta === ABSENT ? undefined : this.machine.plain.loadF64(this.#scratch(thread) + SCRATCH_VALUE);
  }

  /** The values of one batch. */
  *getMany(thread: number, keys: readonly number[]): Steps<(number | undefined)[]> {
    const lane = this.lane(thread);
    for (const [row, key] of keys.entries()) yield* this.core.stageNumber!(lane, row, key, row * 8) as Steps;
    yield* this.core.findStaged!(lane, keys.length, true, 0) as Steps<number>;
    const rows = this.#scratch(thread) + SCRATCH_BATCH;
    return keys.map((_, row) => {
      const at = rows + row * ROW_BYTES;
      const isAbsent = this.word(at + ROW_VALUE_META) === ABSENT;
      return isAbsent ? undefined : this.machine.plain.loadF64(at + ROW_NUMBER);
    });
  }

  /** A value as a near cache keeps it. */
  *getNoted(thread: number, key: number): Steps<NearNote> {
    const lane = this.lane(thread);
    this.#put(this.#scratch(thread) + SCRATCH_KEY, key);
    const meta = yield* this.core.readNoted!(lane, numberMeta, 0) as Steps<number>;
    return {
      value: meta === ABSENT ? undefined : this.machine.plain.loadF64(this.#scratch(thread) + SCRATCH_VALUE),
      address: this.word(lane + FOUND_VERSION_ADDRESS),
      version: this.word(lane + FOUND_VERSION),
    };
  }

  /** The kept value where its version tells that it is still right, and what the map has elsewhere. */
  *getNear(thread: number, key: number, note: NearNote): Steps<number | undefined> {
    if (note.address !== 0 && (yield this.machine.operations.atomicLoad(note.address)) === note.version)
      return note.value;
    return yield* this.get(thread, key);
  }

  *delete(thread: number, key: number): Steps<boolean> {
    this.#put(this.#scratch(thread) + SCRATCH_KEY, key);
    const call = this.core.remove!(this.lane(thread), numberMeta, ANYTHING, 0, 0, 0);
    return (yield* call as Steps<number>) === 0;
  }

  /** Makes a handle to the counter of a key. */
  *fix(thread: number, key: number): Steps<CounterHandle> {
    this.#put(this.#scratch(thread) + SCRATCH_KEY, key);
    const lane = this.lane(thread);
    const address = yield* this.core.fix!(lane, numberMeta, 0) as Steps<number>;
    if (address === 0) throw new Error(`fix returned ${this.word(lane + FOUND)}`);
    return { address, block: this.word(lane + FOUND), hash: this.word(lane + FOUND_HASH) };
  }

  *addFixed(thread: number, { address, hash }: CounterHandle, delta: number): Steps<number> {
    return yield* this.core.addFixed!(this.lane(thread), address, hash, delta) as Steps<number>;
  }

  /** Gives a handle up. */
  *unfix(thread: number, { block, hash }: CounterHandle): Steps<void> {
    const result = yield* this.core.unfix!(this.lane(thread), block, hash, 0) as Steps<number>;
    if (result !== 0 && result !== CONFLICT) throw new Error(`unfix returned ${result}`);
  }

  /** Writes what a key has once more, to end at another time. False when it has gone. */
  *touch(thread: number, key: number, expiry: number): Steps<boolean> {
    const lane = this.lane(thread);
    for (let result = CONFLICT; result !== 0; ) {
      this.#put(this.#scratch(thread) + SCRATCH_KEY, key);
      const meta = yield* this.core.read!(lane, numberMeta, 0) as Steps<number>;
      if (meta === ABSENT) return false;
      const [found, generation] = [this.word(lane + FOUND), this.word(lane + FOUND_GENERATION)];
      const call = this.core.write!(lane, numberMeta, meta, expiry, found, generation, 0, 0);
      result = yield* call as Steps<number>;
      if (result !== 0 && result !== CONFLICT) throw new Error(`touch returned ${result}`);
    }
    return true;
  }

  *clear(thread: number): Steps<void> {
    const result = yield* this.core.clear!(this.lane(thread)) as Steps<number>;
    if (result !== 0) throw new Error(`clear returned ${result}`);
  }

  *size(): Steps<number> {
    return yield* this.core.countEntries!() as Steps<number>;
  }

  /** Adds one to a number by reading it and writing it back if it is still the same entry. */
  *increment(thread: number, key: number): Steps<number> {
    for (;;) {
      const old = yield* this.get(thread, key);
      const expected = old === undefined ? NOTHING : this.word(this.lane(thread) + FOUND);
      const generation = this.word(this.lane(thread) + FOUND_GENERATION);
      const next = (old ?? 0) + 1;
      if ((yield* this.#write(thread, key, next, expected, generation)) === 0) return next;
    }
  }

  /** Whether it set the key: it does where there is none. */
  *setIfAbsent(thread: number, key: number, value: number): Steps<boolean> {
    return (yield* this.#write(thread, key, value, NOTHING, 0)) === 0;
  }

  /**
   * `fetch`: claims a key, reads the source, and stores what it read if the claim stands. Returns that, "found" when the
   * key was there, or "waits" when another one loads it.
   */
  *fetch(thread: number, key: number): Steps<number | "found" | "waits"> {
    const lane = this.lane(thread);
    this.#put(this.#scratch(thread) + SCRATCH_KEY, key);
    const row = yield* this.core.claim!(lane, numberMeta, false) as Steps<number>;
    if (row === 0) return "waits";
    let result: number | "found" = "found";
    if ((yield* this.get(thread, key)) === undefined) {
      result = yield* this.readSource();
      yield* this.#write(thread, key, result, CLAIMED, row);
    }
    yield* this.core.unclaim!(lane, row) as Steps<void>;
    return result;
  }

  /** What is loaded: a number outside of the map. */
  readSource(): Steps<number> {
    return this.core.readFixed!(source) as Steps<number>;
  }

  *changeSource(thread: number): Steps<void> {
    yield* this.core.addFixed!(this.lane(thread), source, 0, 1) as Steps<number>;
  }

  /** Reserves a key, writes it, and lets it go. */
  *setReserved(thread: number, key: number, value: number): Steps<void> {
    this.#put(this.#scratch(thread) + SCRATCH_KEY, key);
    if (!(yield* this.core.reserve!(this.lane(thread), numberMeta) as Steps<number>)) throw new Error("kept");
    yield* this.set(thread, key, value);
    yield* this.core.release!(this.lane(thread)) as Steps<number>;
  }

  /** The keys that one walk yields, in its order. */
  *walk(thread: number): Steps<number[]> {
    const lane = this.lane(thread);
    const keys: number[] = [];
    for (let from = 0; ; ) {
      const count = yield* this.core.successor!(lane, from, true, 0) as Steps<number>;
      if (count === ABSENT) return keys;
      from = (this.word(lane + FOUND_HASH) + (count === 0 ? 0 : 1)) | 0;
      if (count > 1) throw new Error("the keys of these tests have different hashes");
      if (count === 1) {
        if (this.word(lane + FOUND_KEY) !== numberMeta) throw new Error("a key of another type");
        keys.push(this.machine.plain.loadF64(this.#scratch(thread) + SCRATCH_KEY));
      }
      if (count !== 0 && from === 0) return keys;
    }
  }

  /** Empties a page, so that a class can have it that has none. */
  *vacate(thread: number, sizeClass: number): Steps<boolean> {
    return Boolean(yield* this.core.vacatePage!(this.lane(thread), sizeClass, 0) as Steps<number>);
  }

  *recover(thread: number, dead: number): Steps<void> {
    this.proveDead(dead);
    const recovered = yield* this.core.recover!(this.lane(thread), this.lane(dead)) as Steps<number>;
    if (!recovered) throw new Error("it was not recovered");
  }

  /** Whoever asks from now on is told that the thread has ended. */
  proveDead(thread: number): void {
    this.machine.prove(identityOf(thread));
  }

  /** All that the memory tells twice agrees. Throws where it does not. */
  check(): CheckReport {
    const { machine, core } = this;
    return checkMemory({
      handle: { memory: { buffer: machine.buffer }, settings: { maxThreads } },
      core: {
        hashBytes: (address: number, length: number) => this.alone(core.hashBytes!(address, length) as never),
      },
    } as unknown as Attachment);
  }
}
