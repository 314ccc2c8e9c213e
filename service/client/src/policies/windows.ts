/**
 * How much a server may send before the client says more (RFC 9113, section 5.2), on one call and on all calls of an HTTP/2
 * connection. What is under way on a long link is bandwidth times round trip, and no connection carries more than its
 * window a round trip: Node.js 26.10 gives a connection 64 KiB, which is 0.44 MB/s over 150 ms, whatever the link carries.
 * The defaults carry 28 MB/s on one call and 112 MB/s on a connection over 150 ms. A window is no memory that is taken: it
 * is what may wait at most where a caller does not read.
 */
import { optionInvalid } from "../errors.ts";

export interface WindowOptions {
  /** Bytes on one call. Default 4 MiB. */
  readonly stream?: number | undefined;
  /** Bytes on one connection, of all its calls. Default 16 MiB. */
  readonly connection?: number | undefined;
}

export interface Windows {
  readonly stream: number;
  readonly connection: number;
}

export const windowDefaults: Windows = { stream: 4 << 20, connection: 16 << 20 };

/** Of HTTP/2: what a connection begins with, below which it cannot go, and the greatest. */
const least = 65_535;
const greatest = 2 ** 31 - 1;

/** @throws OPTION_INVALID */
export function windowsOf(given: WindowOptions = {}): Windows {
  const { stream = windowDefaults.stream, connection = windowDefaults.connection } = given;
  for (const [name, bytes] of Object.entries({ stream, connection })) {
    if (!(Number.isInteger(bytes) && bytes >= least && bytes <= greatest))
      throw optionInvalid(
        `The option windows.${name} must be a whole number of bytes from ${least} to ${greatest}, not ${bytes}.`,
      );
  }
  return { stream, connection };
}
