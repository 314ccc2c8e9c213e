/**
 * The files of a stream of lines, from the thread that writes them: `000000001.jsonl`, the next when one is full, and the oldest
 * go. A line is in a file as a whole or not at all, except where the machine stops in the middle.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { streamFileName, streamFilesAmong } from "./stream-file-name.ts";

export interface StreamFilesOptions {
  readonly folder: string;
  /** After which the next one is begun; a batch of lines is not divided. */
  readonly fileBytes: number;
  /** That are kept, with the one being written. */
  readonly files: number;
  /** First line of a file, with its newline. */
  readonly heading: (number: number) => string;
}

interface OpenFile {
  readonly fd: number;
  size: number;
}

export interface Written {
  /** From the first on. */
  readonly lines: number;
  /** Why it was not all of them. */
  readonly failure: unknown;
}

const newline = 0x0a;

export class StreamFiles implements Disposable {
  readonly #options: StreamFilesOptions;
  #file: OpenFile | null;

  /** @throws what the system does not let be made */
  constructor(options: StreamFilesOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true });
    this.#file = this.#next();
  }

  /** @param lines each with its newline. Never throws */
  write(lines: readonly string[]): Written {
    try {
      if (this.#file !== null && !this.#isUsable(this.#file)) this[Symbol.dispose]();
      this.#file ??= this.#next();
      return put(this.#file, lines);
    } catch (failure) {
      return { lines: 0, failure };
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== null) closeSync(this.#file.fd);
    this.#file = null;
  }

  /** A file that somebody removed takes bytes, and nobody can read them. */
  #isUsable({ fd, size }: OpenFile): boolean {
    return size < this.#options.fileBytes && fstatSync(fd).nlink > 0;
  }

  #next(): OpenFile {
    const { folder, files, heading } = this.#options;
    const numbers = streamFilesAmong(readdirSync(folder));
    const number = (numbers.at(-1) ?? 0) + 1;
    for (const old of numbers.slice(0, Math.max(0, numbers.length + 1 - files))) {
      rmSync(join(folder, streamFileName(old)), { force: true });
    }
    const file = { fd: openSync(join(folder, streamFileName(number)), "wx", 0o640), size: 0 };
    const { failure } = put(file, [heading(number)]);
    if (failure === null) return file;
    closeSync(file.fd);
    rmSync(join(folder, streamFileName(number)), { force: true });
    throw failure;
  }
}

function put(file: OpenFile, lines: readonly string[]): Written {
  const bytes = Buffer.from(lines.join(""));
  let taken = 0;
  try {
    // A write may take fewer bytes than offered: the next one says why.
    while (taken < bytes.length) {
      taken += writeSync(file.fd, bytes, taken, bytes.length - taken, file.size + taken);
    }
    file.size += taken;
    return { lines: lines.length, failure: null };
  } catch (failure) {
    const whole = bytes.subarray(0, taken).lastIndexOf(newline) + 1;
    file.size += whole;
    try {
      ftruncateSync(file.fd, file.size);
    } catch {
      // The next write begins there all the same.
    }
    return { lines: countOf(bytes.subarray(0, whole)), failure };
  }
}

function countOf(bytes: Uint8Array): number {
  return bytes.reduce((count, byte) => (byte === newline ? count + 1 : count), 0);
}
