/** SHA-256 of a file of any size: read through one buffer, with turns for the event loop in between. */
import { createHash } from "node:crypto";
import { throwIfCancelled } from "./errors.ts";
import { openRegular } from "./regular-file.ts";
import { createTurns } from "./turns.ts";

/** Hashed in under a millisecond, and read with few calls. */
const pieceBytes = 2 ** 20;

export interface FileDigestOptions {
  readonly signal?: AbortSignal | undefined;
  /** For the message of a cancellation. Default "Reading the file". */
  readonly what?: string | undefined;
}

/** In hex, as `sha256sum` prints it. @throws what `openRegular` throws; CANCELLED, DEADLINE_EXCEEDED */
export async function fileDigest(
  path: string,
  { signal, what = "Reading the file" }: FileDigestOptions = {},
): Promise<string> {
  const hash = createHash("sha256");
  const turn = createTurns();
  await using file = await openRegular(path);
  const piece = Buffer.allocUnsafeSlow(pieceBytes);
  for (;;) {
    throwIfCancelled(signal, what);
    const { bytesRead } = await file.read(piece, 0, pieceBytes, null);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(piece.subarray(0, bytesRead));
    await turn();
  }
}
