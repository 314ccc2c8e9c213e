/** A loaded version with those who use it: it is closed when it was retired and the last of them has given it back. */
import type { Content } from "./content.ts";
import type { Lease } from "./model-repository.ts";
import type { OpenedVersion } from "./open-version.ts";

export class ServedVersion {
  readonly version: OpenedVersion;
  /** What it was loaded from; removed when it is closed. */
  readonly content: Content;
  /** The path that the content was taken from. */
  readonly origin: string;
  readonly #closed = Promise.withResolvers<void>();
  #leases = 0;
  #isRetired = false;
  #isCrashed = false;

  constructor(version: OpenedVersion, content: Content, origin: string) {
    this.version = version;
    this.content = content;
    this.origin = origin;
    void version.ended.then((crash) => {
      this.#isCrashed = crash !== null;
    });
  }

  /** False once its thread has ended by itself. */
  get isRunning(): boolean {
    return !this.#isCrashed;
  }

  lease(): Lease {
    this.#leases++;
    let isHeld = true;
    return {
      version: this.version,
      origin: this.origin,
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#leases--;
        this.#closeIfUnused();
      },
    };
  }

  /**
   * Takes no further lease from now on: the caller MUST NOT ask for one.
   * @returns when it is closed: the last lease was given back and its memory is free. Rejects where closing failed.
   */
  retire(): Promise<void> {
    if (!this.#isRetired) {
      this.#isRetired = true;
      this.#closeIfUnused();
    }
    return this.#closed.promise;
  }

  #closeIfUnused(): void {
    if (this.#isRetired && this.#leases === 0) this.#closed.resolve(this.#close());
  }

  async #close(): Promise<void> {
    await using stack = new AsyncDisposableStack();
    stack.use(this.content);
    stack.use(this.version);
  }
}
