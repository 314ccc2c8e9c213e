/**
 * What the numbers of a TIFF mean, which libvips does not tell: TIFF 6.0, sections 2 and 8, and BigTIFF. Only
 * the first image's directory is read. No I/O.
 */

export interface TiffHeader {
  readonly photometric: number;
  readonly compression: number;
  readonly bitsPerSample: readonly number[];
  readonly sampleFormat: readonly number[];
  readonly samplesPerPixel: number;
  /** Across and down, of the colour differences of YCbCr. */
  readonly subsampling: readonly number[];
}

export const PHOTOMETRIC = { rgb: 2, separated: 5, ycbcr: 6, cielab: 8, icclab: 9, itulab: 10 } as const;
export const TIFF_JPEG = 7;

/** Reads `length` bytes from `offset`; fewer where the file ends. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>;

const TAGS = {
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  samplesPerPixel: 277,
  sampleFormat: 339,
  subsampling: 530,
} as const;

/** Bytes a value, by field type; only whole numbers are looked at. */
const TYPE_BYTES: Readonly<Record<number, 1 | 2 | 4>> = { 1: 1, 3: 2, 4: 4 };

/** More entries than any writer makes: the directory is damaged. */
const MOST_ENTRIES = 4096;

/** @throws Error when the directory is cut or absurd. */
export async function readTiffHeader(read: ReadAt): Promise<TiffHeader> {
  const at = async (offset: number, length: number): Promise<DataView> => {
    const bytes = await read(offset, length);
    if (bytes.length < length) throw new Error("it is a TIFF that is cut");
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  const head = await at(0, 8);
  const little = head.getUint8(0) === 0x49;
  const isBig = head.getUint16(2, little) === 43;
  const long = (view: DataView, offset: number): number =>
    isBig ? Number(view.getBigUint64(offset, little)) : view.getUint32(offset, little);
  const directory = isBig ? long(await at(8, 8), 0) : long(head, 4);
  const counted = await at(directory, isBig ? 8 : 2);
  const count = isBig ? long(counted, 0) : counted.getUint16(0, little);
  if (count > MOST_ENTRIES) throw new Error(`its TIFF directory claims ${count} entries`);

  const [wide, entryBytes] = isBig ? [8, 20] : [4, 12];
  const entries = await at(directory + counted.byteLength, count * entryBytes);
  const values = async (tag: number): Promise<readonly number[]> => {
    for (let i = 0; i < count; i++) {
      const entry = i * entryBytes;
      if (entries.getUint16(entry, little) !== tag) continue;
      const width = TYPE_BYTES[entries.getUint16(entry + 2, little)];
      if (width === undefined) return [];
      const length = Math.min(long(entries, entry + 4), 16);
      const place = entry + 4 + wide;
      const inside = length * width <= wide;
      const view = inside ? entries : await at(long(entries, place), length * width);
      const from = inside ? place : 0;
      return Array.from({ length }, (_, k) =>
        width === 1
          ? view.getUint8(from + k)
          : width === 2
            ? view.getUint16(from + k * 2, little)
            : view.getUint32(from + k * 4, little),
      );
    }
    return [];
  };
  const one = async (tag: number, fallback: number): Promise<number> => (await values(tag))[0] ?? fallback;
  const or = (found: readonly number[], fallback: readonly number[]) => (found.length > 0 ? found : fallback);
  return {
    photometric: await one(TAGS.photometric, 1),
    compression: await one(TAGS.compression, 1),
    samplesPerPixel: await one(TAGS.samplesPerPixel, 1),
    bitsPerSample: or(await values(TAGS.bitsPerSample), [1]),
    sampleFormat: or(await values(TAGS.sampleFormat), [1]),
    subsampling: or(await values(TAGS.subsampling), [2, 2]),
  };
}
