/** A file of lines that somebody writes: what is there of it, whole lines only, and later what has come since. */
import type { FileHandle } from "node:fs/promises";
import { openRegular, reasonOf } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { isErrno } from "../journal/disk.ts";
import { linesOf } from "../journal/lines.ts";

const longestLine = 2 ** 18;

export class GrowingFile implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #chunk = Buffer.allocUnsafeSlow(longestLine);
  /** After the last whole line; what follows is read again, since it may yet be another thing. */
  #position = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** @throws LOG_UNREADABLE; null where there is none of this name */
  static async open(path: string): Promise<GrowingFile | null> {
    try {
      return new GrowingFile(path, await openRegular(path));
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT")) return null;
      throw auditErrors.error("LOG_UNREADABLE", `${path} cannot be read: ${reasonOf(thrown)}.`, {
        cause: thrown,
        details: { path },
      });
    }
  }

  /** True when its name was taken away. */
  async isRemoved(): Promise<boolean> {
    return (await this.#file.stat()).nlink === 0;
  }

  /** Some of the lines that follow those that were returned before; none where there are none yet. @throws LOG_INVALID */
  async next(): Promise<string[]> {
    const { bytesRead } = await this.#file.read(this.#chunk, 0, longestLine, this.#position);
    const lines = linesOf(this.#chunk.subarray(0, bytesRead));
    if (lines.length === 0 && bytesRead === longestLine) {
      throw auditErrors.error(
        "LOG_INVALID",
        `${this.#path} has a line of more than ${longestLine} bytes at byte ${this.#position}, which no log has.`,
        { details: { path: this.#path, position: this.#position } },
      );
    }
    this.#position += lines.reduce((sum, { length }) => sum + length + 1, 0);
    return lines.map((line) => Buffer.from(line).toString("utf8"));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close();
  }
}
