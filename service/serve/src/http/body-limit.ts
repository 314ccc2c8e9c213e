/**
 * Reads a body and counts it as it arrives, after decompression: what is larger than the limit is refused before it is
 * kept. A body that says its length is refused before any of it is read.
 */
import type { Readable } from "node:stream";
// The whole module: a Node.js that is too old lacks a name of it, and is to be told so in a sentence.
import zlib, { type ZlibOptions } from "node:zlib";
import { cancellation, own } from "@cupel/base";
import type { FaceRequest } from "../core/face.ts";
import { serveErrors } from "../errors.ts";

export interface ReadBodyOptions {
  /** Bytes after decompression. */
  readonly limit: number;
  /** Ends the reading. */
  readonly signal: AbortSignal;
  /** This byte of the body comes to lie where 8-byte numbers may: what follows it can be viewed. Default 0. */
  readonly alignAt?: number | undefined;
}

type Decoder = (options: ZlibOptions) => Readable & NodeJS.WritableStream;

/** By the name in Content-Encoding. */
const decoders: Readonly<Record<string, Decoder>> = {
  gzip: zlib.createGunzip,
  "x-gzip": zlib.createGunzip,
  deflate: zlib.createInflate,
  br: () => zlib.createBrotliDecompress(),
  zstd: () => zlib.createZstdDecompress(),
};

export const contentEncodings: readonly string[] = Object.keys(decoders).filter((name) => name !== "x-gzip");

/** @throws BODY_TOO_LARGE, MEDIA_TYPE_UNSUPPORTED, REQUEST_INVALID, CANCELLED, DEADLINE_EXCEEDED */
export async function readBody(request: FaceRequest, options: ReadBodyOptions): Promise<Buffer<ArrayBuffer>> {
  const { limit } = options;
  const decoder = decoderOf(request);
  const stated = Number(request.headers["content-length"] ?? 0);
  // Compressed, a body has no more bytes than plain, or a few.
  if (stated > limit) throw tooLarge(limit, stated);
  if (decoder === null) return join(await collect(request, request, options), options.alignAt ?? 0);
  const decoded = decoder({});
  request.pipe(decoded);
  try {
    return join(await collect(decoded, request, options), options.alignAt ?? 0);
  } finally {
    request.unpipe(decoded);
    decoded.destroy();
    // Unpiped it stands still, and with it the connection, which may be kept: the next request comes after the rest.
    request.resume();
  }
}

function decoderOf({ headers }: FaceRequest): Decoder | null {
  const named = headers["content-encoding"]?.trim().toLowerCase() ?? "";
  if (named === "" || named === "identity") return null;
  const decoder = own(decoders, named);
  if (decoder) return decoder;
  throw serveErrors.error(
    "MEDIA_TYPE_UNSUPPORTED",
    `The content encoding "${named}" is not taken. Send the body plain or as one of ${contentEncodings.join(", ")}.`,
    { details: { contentEncodings } },
  );
}

async function collect(
  source: Readable,
  request: FaceRequest,
  { limit, signal }: ReadBodyOptions,
): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  let size = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const ended = (): void => resolve();
  const take = (chunk: Buffer): void => {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else reject(tooLarge(limit, null));
  };
  const cancel = (): void => reject(cancellation("Reading the body", signal));
  const fail = (cause: Error): void => {
    const message = "The body does not decompress. Send it whole, and as Content-Encoding says.";
    reject(serveErrors.error("REQUEST_INVALID", message, { cause }));
  };
  const leave = (): void => {
    if (!request.complete) cancel();
  };
  signal.addEventListener("abort", cancel, { once: true });
  source.on("data", take).once("end", ended);
  if (source !== request) source.once("error", fail);
  request.once("error", cancel).once("close", leave);
  if (signal.aborted) cancel();
  try {
    await promise;
  } finally {
    signal.removeEventListener("abort", cancel);
    // What fails later, when nobody waits for it any more, must not end the process.
    source.on("error", ignore);
    request.on("error", ignore);
    source.off("data", take).off("end", ended).off("error", fail);
    request.off("error", cancel).off("close", leave);
  }
  return chunks;
}

function ignore(): void {}

function join(chunks: readonly Buffer[], alignAt: number): Buffer<ArrayBuffer> {
  const size = chunks.reduce((sum, { length }) => sum + length, 0);
  const pad = (8 - (alignAt % 8)) % 8;
  const whole = Buffer.allocUnsafeSlow(size + pad);
  let at = pad;
  for (const chunk of chunks) at += chunk.copy(whole, at);
  return whole.subarray(pad);
}

/** @param size null where it was not stated: more than the limit came */
function tooLarge(limit: number, size: number | null): Error {
  const has = size === null ? "more than" : `${size} bytes;`;
  const takes = size === null ? `${limit} bytes, which the server takes` : `the server takes ${limit}`;
  return serveErrors.error("BODY_TOO_LARGE", `The body has ${has} ${takes} (setting limits.bodyLimit).`, {
    details: { setting: "limits.bodyLimit", limit, ...(size === null ? {} : { size }) },
  });
}
