/**
 * How a thread's values go in and out: through its lane's scratch, and those that are too long for it in chunks.
 * docs/shared-map.md draws both.
 */
import { isUint8Array } from "node:util/types";
import type { Attachment } from "./attachment.ts";
import type { Codec } from "./codec.ts";
import { Coded, decodeWith, encodeWith, kindName } from "./coded.ts";
import { MAX_INLINE_BYTES } from "./core/layout.ts";
import { sharedMapErrors } from "./errors.ts";
import { bigintOfBytes, bytesOfBigint, isIntegerMeta, isLatin1, metaOf, valueType } from "./value-type.ts";

/** A value as it is stored: of a type that the map knows, or what a codec made of it. */
export type Storable = string | number | bigint | boolean | null | undefined | Uint8Array | Coded;

export class Values {
  readonly #attachment: Attachment;
  readonly #codec: Codec | undefined;
  /** The bytes of a value that is too long for the scratch. */
  #large: Uint8Array | null = null;

  constructor(attachment: Attachment, codec: Codec | undefined) {
    this.#attachment = attachment;
    this.#codec = codec;
  }

  /**
   * What of a value can be stored as it is, or a codec's bytes. Runs the user's code: call it before `putKey`.
   * @throws VALUE_UNSUPPORTED, CODEC_FAILED
   */
  storable(value: unknown): Storable {
    switch (typeof value) {
      case "string":
      case "number":
      case "bigint":
      case "boolean":
      case "undefined":
        return value;
    }
    // Not by instanceof: bytes may come from another realm, of `node:vm` or a test runner.
    if (value === null || isUint8Array(value)) return value;
    if (this.#codec === undefined) {
      throw sharedMapErrors.error(
        "VALUE_UNSUPPORTED",
        `A value of type ${kindName(value)} needs a codec: without one, values are strings, numbers, bigints, booleans, null, undefined or bytes. Create the map with { codec: jsonCodec } or another.`,
      );
    }
    return new Coded(encodeWith(this.#codec, value));
  }

  /**
   * Puts a value into the scratch, or aside where it is long, and returns its meta.
   * @throws VALUE_TOO_LARGE
   */
  put(value: Storable): number {
    switch (typeof value) {
      case "number":
        this.#attachment.scratch.putNumber(value);
        return metaOf(8, valueType.number);
      case "string":
        return this.#putText(value);
      case "boolean":
        return metaOf(0, value ? valueType.true : valueType.false);
      case "undefined":
        return metaOf(0, valueType.undefined);
      case "bigint":
        return this.#putBytes(bytesOfBigint(value), valueType.bigint);
    }
    if (value === null) return metaOf(0, valueType.null);
    if (value instanceof Coded) return this.#putBytes(value.bytes, valueType.coded);
    return this.#putBytes(value, valueType.bytes);
  }

  #putText(text: string): number {
    const isNarrow = isLatin1(text);
    const type = isNarrow ? valueType.latin1 : valueType.utf16;
    const length = isNarrow ? text.length : text.length * 2;
    this.#checkSize(length);
    if (length > MAX_INLINE_BYTES) this.#large = Buffer.from(text, isNarrow ? "latin1" : "utf16le");
    else if (isNarrow) this.#attachment.scratch.putLatin1(text);
    else this.#attachment.scratch.putUtf16(text);
    return metaOf(length, type);
  }

  #putBytes(bytes: Uint8Array, type: number): number {
    const length = bytes.byteLength;
    this.#checkSize(length);
    if (length > MAX_INLINE_BYTES) this.#large = bytes;
    else this.#attachment.scratch.putBytes(bytes);
    return metaOf(length, type);
  }

  #checkSize(length: number): void {
    const { maxValueBytes } = this.#attachment.handle.settings;
    if (length <= maxValueBytes) return;
    throw sharedMapErrors.error(
      "VALUE_TOO_LARGE",
      `A value of ${length} bytes is too large: this map takes ${maxValueBytes}. Create it with a larger maxValueBytes, or store less.`,
      { details: { bytes: length, maxValueBytes } },
    );
  }

  /**
   * The value that a read delivered.
   * @throws CODEC_FAILED
   */
  take(meta: number): unknown {
    const length = meta >>> 4;
    if (length > MAX_INLINE_BYTES) return this.#takeChain(length, meta & 15);
    switch (meta & 15) {
      case valueType.number:
      case valueType.counter:
      case valueType.fixedCounter:
        return this.#attachment.scratch.takeNumber();
      case valueType.latin1:
        return this.#attachment.scratch.takeLatin1(0, length);
      default:
        return this.decoded(this.copy(meta, 0));
    }
  }

  /** A value that lies in the scratch, neither number nor Latin-1, `at` bytes behind the first; of a coded one, its bytes. */
  copy(meta: number, at: number): unknown {
    const { scratch } = this.#attachment;
    const end = at + (meta >>> 4);
    switch (meta & 15) {
      case valueType.utf16:
        return scratch.takeUtf16(at, end);
      case valueType.true:
        return true;
      case valueType.false:
        return false;
      case valueType.null:
        return null;
      case valueType.undefined:
        return undefined;
      default:
        return this.#ofBytes(scratch.takeBytes(at, end), meta & 15);
    }
  }

  /**
   * What `copy` gave, with the codec's work done. Runs the user's code.
   * @throws CODEC_FAILED
   */
  decoded(value: unknown): unknown {
    return value instanceof Coded ? decodeWith(this.#codec, value.bytes) : value;
  }

  /** The value that a read delivered, as it is stored: of a coded one, its bytes. */
  takeStored(meta: number): Storable {
    if ((meta & 15) !== valueType.coded) return this.take(meta) as Storable;
    if (meta >>> 4 > MAX_INLINE_BYTES) return new Coded(new Uint8Array(this.#readChain(meta >>> 4)));
    return this.copy(meta, 0) as Storable;
  }

  /** After a read whose value is not wanted. Returns it if it is an integer that changes in place, or else 0. */
  skip(meta: number): number {
    if (meta >>> 4 > MAX_INLINE_BYTES) this.#attachment.core.unpin(this.#attachment.lane);
    return isIntegerMeta(meta) ? this.#attachment.scratch.takeNumber() : 0;
  }

  /** The lane is pinned until all chunks are copied. */
  #takeChain(length: number, type: number): unknown {
    const bytes = new Uint8Array(this.#readChain(length));
    if (type === valueType.latin1) return Buffer.from(bytes.buffer).toString("latin1");
    if (type === valueType.utf16) return Buffer.from(bytes.buffer).toString("utf16le");
    return this.decoded(this.#ofBytes(bytes, type));
  }

  #readChain(length: number): ArrayBuffer {
    try {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const copied = this.#attachment.core.readChunk(this.#attachment.lane);
        this.#attachment.scratch.copyTo(bytes, at, copied);
        at += copied;
      }
      return bytes.buffer;
    } finally {
      this.#attachment.core.unpin(this.#attachment.lane);
    }
  }

  #ofBytes(bytes: Uint8Array, type: number): unknown {
    if (type === valueType.bytes) return bytes;
    return type === valueType.bigint ? bigintOfBytes(bytes) : new Coded(bytes);
  }

  /** After a read of a value that is too long for the scratch: has it ready to be written again. */
  keepLarge(meta: number): void {
    this.#large = new Uint8Array(this.#readChain(meta >>> 4));
  }

  /** The bytes that `put` or `keepLarge` laid aside. */
  takeLarge(): Uint8Array {
    const bytes = this.#large!;
    this.#large = null;
    return bytes;
  }
}

/** As keys are: numbers as in a `Map`, bytes by content. */
export function isSameStored(a: Storable, b: Storable): boolean {
  if (a instanceof Coded || b instanceof Coded) {
    return a instanceof Coded && b instanceof Coded && Buffer.compare(a.bytes, b.bytes) === 0;
  }
  if (isUint8Array(a)) return isUint8Array(b) && Buffer.compare(a, b) === 0;
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}
