/** What the archives of tests are made of, and their manifests. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { openTemporaryFolder } from "@cupel/base";
import { type ArchiveOptions, type Manifest, readArchive } from "../../src/index.ts";
import { extraField, u64 } from "./zip-bytes.ts";

export const bytes = (text: string) => Buffer.from(text);
export const streamed = 1 << 3;
export const utf8 = 1 << 11;

export async function manifestOf(archive: Buffer, options?: ArchiveOptions): Promise<Manifest> {
  await using folder = await openTemporaryFolder("attest");
  const path = join(folder.path, "model.zip");
  await writeFile(path, archive);
  return await readArchive(path, options);
}

/** As the zip64 field has them: content and packed data. */
export const wideSizes = ({ size, packedSize }: { size: number; packedSize: number }) => ({
  size: 0xffffffff,
  packedSize: 0xffffffff,
  extra: extraField(1, Buffer.concat([u64(size), u64(packedSize)])),
});

export const abc = bytes("abc");
export const text = bytes("weights ".repeat(2000));
export const packed = deflateRawSync(text);
/** Too much to be inflated in one call, and packed by less than what is refused as a bomb. */
export const beyondOneCall = Buffer.alloc(
  2 ** 24 + 1,
  Array.from({ length: 5000 }, (_, i) => ((i * 2654435761) >>> 0).toString(16)).join(""),
);
export const inBehind = { crc: 0, size: 0, packedSize: 0 };
