/** What comes out of an entry: it is hashed and counted as it comes, and never more of it than the directory says. */
import { crc32 } from "node:zlib";
import { reasonOf } from "@cupel/base";
import type { RunningDigests } from "../manifest/digests.ts";
import type { HashName } from "../manifest/manifest.ts";
import type { DigestOptions } from "../manifest/serve-digests.ts";
import { archiveRefusal } from "./archive-bytes.ts";
import type { LocatedEntry } from "./local-headers.ts";

/** Plain data: what a thread is given of an entry. */
export interface EntryToDigest
  extends Pick<LocatedEntry, "path" | "size" | "packedSize" | "method" | "crc" | "dataPosition"> {
  /** Of the archive, when its directory was read. */
  readonly identity: string;
}

export class EntryContent {
  readonly #archive: string;
  readonly entry: EntryToDigest;
  readonly #digests: Pick<RunningDigests<HashName>, "update">;
  readonly #onBytes: DigestOptions["onBytes"];
  #size = 0;
  #crc = 0;

  constructor(
    archive: string,
    entry: EntryToDigest,
    digests: Pick<RunningDigests<HashName>, "update">,
    { onBytes }: DigestOptions,
  ) {
    this.#archive = archive;
    this.entry = entry;
    this.#digests = digests;
    this.#onBytes = onBytes;
  }

  /** @throws ARCHIVE_SIZE_WRONG when there is more than the directory says */
  add(piece: Uint8Array): void {
    this.#size += piece.byteLength;
    if (this.#size > this.entry.size) throw this.wrongSize("more");
    this.#crc = crc32(piece, this.#crc);
    this.#digests.update(piece);
    this.#onBytes?.(piece.byteLength);
  }

  assertWhole(): void {
    if (this.#size < this.entry.size) throw this.wrongSize(`${this.#size} bytes`);
    if (this.#crc !== this.entry.crc) throw this.invalid("does not have the checksum that is said");
  }

  /** @param used bytes of the packed data, up to its own end. @throws ARCHIVE_SIZE_WRONG when there is more */
  assertUsed(used: number): void {
    const { packedSize } = this.entry;
    if (used !== packedSize) throw this.wrongSize(`${used} of ${packedSize} packed bytes in use`);
  }

  wrongSize(found: string) {
    const reason = `has ${found} where its size is said to be ${this.entry.size} bytes`;
    return archiveRefusal("ARCHIVE_SIZE_WRONG", this.#archive, this.entry.path, reason);
  }

  doesNotUnpack(thrown: unknown) {
    return this.invalid(`does not unpack: ${reasonOf(thrown)}`, thrown);
  }

  invalid(reason: string, cause?: unknown) {
    return archiveRefusal("ARCHIVE_DATA_INVALID", this.#archive, this.entry.path, reason, cause);
  }
}
