/** A file as bytes at places: the structure of a model is read through a window, and the weights are not read at all. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { ByteSource } from "@cupel/onnx";

const windowBytes = 2 ** 16;

export class FileSource implements ByteSource, Disposable {
  readonly length: number;
  readonly #file: number;
  #window: Uint8Array = new Uint8Array();
  #start = 0;

  /** @throws what the system throws */
  constructor(path: string) {
    this.#file = openSync(path, "r");
    this.length = fstatSync(this.#file).size;
  }

  byte(at: number): number {
    const inside = at - this.#start;
    if (inside >= 0 && inside < this.#window.length) return this.#window[inside]!;
    this.#window = this.part(at, Math.min(windowBytes, this.length - at));
    this.#start = at;
    return this.#window[0]!;
  }

  /** @throws Error where the file has become shorter */
  part(at: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const count = readSync(this.#file, bytes, done, length - done, at + done);
      if (count === 0) throw new Error(`it ended at byte ${at + done}`);
      done += count;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
