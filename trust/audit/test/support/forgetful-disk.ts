/**
 * A disk that may lose what was not flushed: at a chosen step it stops, as when the power goes, and of each block of 512 bytes
 * written since the last flush of its file it keeps what the chooser says.
 */
import type { DurableFile, OpenDurableFile } from "../../src/keys/durable-file.ts";

const BLOCK = 512;

interface Held {
  /** As a reader sees it while the power is on. */
  seen: Buffer;
  lasting: Buffer;
}

export class PowerCut extends Error {}

export class ForgetfulDisk {
  readonly #files = new Map<string, Held>();
  /** Writes and flushes that are still done. */
  stepsLeft = Number.POSITIVE_INFINITY;
  steps = 0;

  readonly open: OpenDurableFile = async (path) => {
    const held = this.#files.get(path) ?? { seen: Buffer.alloc(0), lasting: Buffer.alloc(0) };
    this.#files.set(path, held);
    return this.#fileOf(held);
  };

  /** @param keeps is asked of each block that was not flushed */
  cutPower(keeps: () => boolean): void {
    for (const held of this.#files.values()) {
      const { seen, lasting } = held;
      let result: Buffer = Buffer.from(lasting);
      for (let at = 0; at < seen.length; at += BLOCK) {
        const block = seen.subarray(at, at + BLOCK);
        if (block.equals(lasting.subarray(at, at + BLOCK)) || !keeps()) continue;
        result = resized(result, Math.max(result.length, at + block.length));
        block.copy(result, at);
      }
      held.seen = result;
      held.lasting = Buffer.from(result);
    }
    this.stepsLeft = Number.POSITIVE_INFINITY;
  }

  /** Is that anywhere on the disk? */
  holds(bytes: Uint8Array): boolean {
    return [...this.#files.values()].some(
      ({ lasting, seen }) => lasting.includes(bytes) || seen.includes(bytes),
    );
  }

  bytesOf(name: string): Buffer {
    return [...this.#files].find(([path]) => path.endsWith(name))?.[1].seen ?? Buffer.alloc(0);
  }

  #step(): void {
    if (this.stepsLeft-- <= 0) throw new PowerCut("the power is off");
    this.steps++;
  }

  #fileOf(held: Held): DurableFile {
    return {
      size: () => held.seen.length,
      read: (position, length) => Buffer.from(held.seen.subarray(position, position + length)),
      write: async (position, bytes) => {
        // Off in the middle of a write: some of it was taken.
        const isCut = this.stepsLeft === 0;
        const taken = isCut ? bytes.subarray(0, Math.floor(bytes.length / 2)) : bytes;
        held.seen = resized(held.seen, Math.max(held.seen.length, position + taken.length));
        held.seen.set(taken, position);
        this.#step();
      },
      sync: async () => {
        this.#step();
        held.lasting = Buffer.from(held.seen);
      },
      async [Symbol.asyncDispose]() {},
    };
  }
}

function resized(bytes: Buffer, length: number): Buffer {
  const result = Buffer.alloc(length);
  bytes.copy(result);
  return result;
}
