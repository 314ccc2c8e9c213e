/**
 * Compression of completed segments, in the thread pool. The original goes only when the compressed file is durable and
 * what it holds, read from the disk again, is the same byte for byte.
 */
import { join } from "node:path";
import { promisify } from "node:util";
// The whole module: a Node.js that is too old lacks a name of it, and is to be told so in a sentence.
import zlib from "node:zlib";
import type { SegmentPlace } from "./open-segment.ts";
import { readSegment } from "./read-journal.ts";
import { type SegmentForm, segmentName } from "./segment-name.ts";
import { writeDurably } from "./write-durably.ts";

export type Compression = "none" | "gzip" | "zstd";

interface Packing {
  readonly form: SegmentForm;
  pack(bytes: Buffer): Promise<Buffer>;
}

const packings: Readonly<Record<Exclude<Compression, "none">, Packing>> = {
  gzip: { form: "gz", pack: promisify(zlib.gzip) },
  zstd: { form: "zst", pack: promisify(zlib.zstdCompress) },
};

export async function compressSegment(
  { disk, folder }: SegmentPlace,
  first: number,
  compression: Exclude<Compression, "none">,
): Promise<void> {
  const { form, pack } = packings[compression];
  const original = join(folder, segmentName({ first, form: "plain" }));
  const packed = join(folder, segmentName({ first, form }));
  const bytes = await disk.read(original);
  await writeDurably(disk, packed, await pack(bytes));
  const again = await readSegment(disk, packed, form);
  if (!again.equals(bytes)) throw new Error(`${packed} does not hold what ${original} holds`);
  await disk.unlink(original);
  await disk.syncFolder(folder);
}
