/**
 * How messages of gRPC and of what shares its methods may be compressed, by the library's own names. What is larger than a
 * message may be is refused while it is decompressed.
 */
import { promisify } from "node:util";
import zlib, { constants } from "node:zlib";
import type { Compression } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";

/**
 * Of 0 to 11. At 11, which is Node's default and the library's, 16 MB of random float32 took 176 s where gzip took 2.4 s and
 * this took 1.3 s, for 3 % of the size.
 */
const brotliQuality = 4;
const compressBrotli = promisify(zlib.brotliCompress);

export const messageCompressions: readonly Compression[] = [
  compressionGzip,
  {
    ...compressionBrotli,
    compress: (bytes) =>
      compressBrotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } }),
  },
];
