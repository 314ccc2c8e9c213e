/** The binary tensor extension of Triton: JSON first, then the bytes of the tensors in their order. */
import { serveErrors } from "../errors.ts";

export const headerLengthHeader = "inference-header-content-length";

/** Of the JSON before the tensors; null where the header is absent. @throws REQUEST_INVALID */
export function readHeaderLength(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw serveErrors.error(
    "REQUEST_INVALID",
    "Inference-Header-Content-Length is the length of the JSON before the tensors, in bytes.",
    { details: { header: headerLengthHeader } },
  );
}

/** Hands out the bytes after the JSON, in the order of the tensors. */
export interface BinaryPart {
  /** @throws REQUEST_INVALID where fewer are left */
  take(size: number, name: string): Uint8Array<ArrayBuffer>;
  /** @throws REQUEST_INVALID where bytes are left */
  finish(): void;
}

export function binaryPart(bytes: Uint8Array<ArrayBuffer>): BinaryPart {
  let at = 0;
  return {
    take(size, name) {
      if (size > bytes.length - at) {
        throw serveErrors.error(
          "REQUEST_INVALID",
          `The input "${name}" says binary_data_size ${size}; ${bytes.length - at} bytes are left of the body.`,
          { details: { input: name, size, left: bytes.length - at } },
        );
      }
      at += size;
      return bytes.subarray(at - size, at);
    },
    finish() {
      if (at === bytes.length) return;
      throw serveErrors.error(
        "REQUEST_INVALID",
        `The body has ${bytes.length - at} bytes more than its inputs say by binary_data_size.`,
        { details: { left: bytes.length - at } },
      );
    },
  };
}
