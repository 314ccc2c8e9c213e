/** Values that a codec turns into bytes and back, and what happens when it cannot. */
import { isUint8Array } from "node:util/types";
import { baseErrors, reasonOf } from "@cupel/base";
import type { Codec } from "./codec.ts";
import { sharedMapErrors } from "./errors.ts";

/** What a codec made of a value. */
export class Coded {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** @throws CODEC_FAILED */
export function encodeWith(codec: Codec, value: unknown): Uint8Array {
  let bytes: unknown;
  try {
    bytes = codec.encode(value);
  } catch (cause) {
    throw sharedMapErrors.error(
      "CODEC_FAILED",
      `The codec "${codec.name}" could not encode a value of type ${kindName(value)} (${reasonOf(cause)}). Nothing was changed.`,
      { cause },
    );
  }
  if (isUint8Array(bytes)) return bytes;
  throw sharedMapErrors.error(
    "CODEC_FAILED",
    `The codec "${codec.name}" gave ${kindName(bytes)}, not bytes.`,
  );
}

/** @throws CODEC_FAILED */
export function decodeWith(codec: Codec | undefined, bytes: Uint8Array): unknown {
  if (codec === undefined) throw baseErrors.error("INTERNAL", "A coded value lies in a map without a codec.");
  try {
    return codec.decode(bytes);
  } catch (cause) {
    throw sharedMapErrors.error(
      "CODEC_FAILED",
      `The codec "${codec.name}" could not decode ${bytes.byteLength} bytes (${reasonOf(cause)}). All threads must use the codec that encoded them.`,
      { cause },
    );
  }
}

/** What messages call a value's type. */
export function kindName(value: unknown): string {
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  return value.constructor?.name ?? "object";
}
