/**
 * Kinds of image files: how they begin, how they are called, and whether they are decoded here. What a file
 * is, is told by its first bytes; a name counts only where no one has looked inside.
 */
import { extname } from "node:path";

export interface ImageKind {
  readonly name: string;
  readonly extensions: readonly string[];
  readonly isDecoded: boolean;
  /** @param head the first `KIND_BYTES` of a file, or all of a shorter one. */
  begins(head: Uint8Array): boolean;
}

/** Enough to recognise every kind; DICOM's mark stands at 128, an SVG may begin with a comment. */
export const KIND_BYTES = 512;

const textOf = (head: Uint8Array, from: number, to: number): string =>
  Buffer.from(head.subarray(from, to)).toString("latin1");

/** Begins with this text, in which a letter is a byte. */
const mark =
  (text: string, at = 0) =>
  (head: Uint8Array): boolean =>
    textOf(head, at, at + text.length) === text;

const anyOf =
  (...marks: readonly ((head: Uint8Array) => boolean)[]) =>
  (head: Uint8Array): boolean =>
    marks.some((begins) => begins(head));

/** The brands of an ISO base media file (ISO/IEC 14496-12, 4.3): the major one, then the compatible ones. */
function brandsOf(head: Uint8Array): readonly string[] {
  if (textOf(head, 4, 8) !== "ftyp") return [];
  const size = Math.min(Buffer.from(head).readUInt32BE(0), head.length);
  const brands = [textOf(head, 8, 12)];
  for (let at = 16; at + 4 <= size; at += 4) brands.push(textOf(head, at, at + 4));
  return brands;
}

const hasBrand = (head: Uint8Array, pattern: RegExp): boolean =>
  brandsOf(head).some((brand) => pattern.test(brand));

/** Sizes of the header that follows the file header, by version of the format. */
const BITMAP_HEADERS: ReadonlySet<number> = new Set([12, 16, 40, 52, 56, 64, 108, 124]);

function isBitmap(head: Uint8Array): boolean {
  return mark("BM")(head) && head.length >= 26 && BITMAP_HEADERS.has(Buffer.from(head).readUInt32LE(14));
}

const isTiff = anyOf(mark("II*\0"), mark("MM\0*"), mark("II+\0"), mark("MM\0+"));

/** The order matters where two begin alike: the first that fits is the kind. */
export const IMAGE_KINDS: readonly ImageKind[] = [
  {
    name: "JPEG",
    extensions: [".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".pjpeg", ".pjp"],
    isDecoded: true,
    begins: mark("\xff\xd8\xff"),
  },
  { name: "PNG", extensions: [".png"], isDecoded: true, begins: mark("\x89PNG\r\n\x1a\n") },
  {
    name: "WebP",
    extensions: [".webp"],
    isDecoded: true,
    begins: (head) => mark("RIFF")(head) && mark("WEBP", 8)(head),
  },
  {
    name: "camera raw",
    extensions: [".dng", ".nef", ".cr2", ".cr3", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"],
    isDecoded: false,
    begins: anyOf(
      (head) => isTiff(head) && mark("CR", 8)(head),
      mark("IIRO"),
      mark("IIU\0"),
      mark("FUJIFILMCCD-RAW"),
      (head) => hasBrand(head, /^crx /),
    ),
  },
  { name: "TIFF", extensions: [".tif", ".tiff"], isDecoded: true, begins: isTiff },
  { name: "GIF", extensions: [".gif"], isDecoded: true, begins: anyOf(mark("GIF87a"), mark("GIF89a")) },
  { name: "BMP", extensions: [".bmp", ".dib"], isDecoded: true, begins: isBitmap },
  { name: "AVIF", extensions: [".avif"], isDecoded: true, begins: (head) => hasBrand(head, /^avi[fs]$/) },
  {
    // The prebuilt libvips decodes AV1 in this container, not HEVC, whose patents are licensed.
    name: "HEIC",
    extensions: [".heic", ".heif", ".hif"],
    isDecoded: false,
    begins: (head) => hasBrand(head, /^(he[iv][cxms]|mif1|msf1)$/),
  },
  {
    name: "JPEG 2000",
    extensions: [".jp2", ".j2k", ".j2c", ".jpf", ".jpx", ".jpm"],
    isDecoded: false,
    begins: anyOf(mark("\0\0\0\x0cjP  "), mark("\xff\x4f\xff\x51")),
  },
  {
    name: "JPEG XL",
    extensions: [".jxl"],
    isDecoded: false,
    begins: anyOf(mark("\xff\x0a"), mark("\0\0\0\x0cJXL ")),
  },
  { name: "JPEG XR", extensions: [".jxr", ".wdp", ".hdp"], isDecoded: false, begins: mark("II\xbc") },
  {
    name: "SVG",
    extensions: [".svg", ".svgz"],
    isDecoded: false,
    begins: (head) =>
      /^\uFEFF?\s*</.test(Buffer.from(head).toString()) && /<svg[\s>]/.test(textOf(head, 0, 512)),
  },
  {
    name: "Netpbm",
    extensions: [".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".pfm"],
    isDecoded: false,
    begins: (head) =>
      /^(P[1-6]\s+(#.*\s+)*\d+\s+\d+\s|P7\s+WIDTH|P[Ff]\s+\d+\s+\d+\s)/.test(textOf(head, 0, 512)),
  },
  { name: "Photoshop", extensions: [".psd", ".psb"], isDecoded: false, begins: mark("8BPS") },
  { name: "GIMP", extensions: [".xcf"], isDecoded: false, begins: mark("gimp xcf") },
  {
    name: "icon",
    extensions: [".ico", ".cur", ".icns"],
    isDecoded: false,
    begins: (head) =>
      mark("icns")(head) ||
      (anyOf(mark("\0\0\x01\0"), mark("\0\0\x02\0"))(head) &&
        head[4] !== 0 &&
        head[5] === 0 &&
        head[9] === 0),
  },
  { name: "OpenEXR", extensions: [".exr"], isDecoded: false, begins: mark("v/1\x01") },
  {
    name: "Radiance",
    extensions: [".hdr"],
    isDecoded: false,
    begins: anyOf(mark("#?RADIANCE"), mark("#?RGBE")),
  },
  { name: "QOI", extensions: [".qoi"], isDecoded: false, begins: mark("qoif") },
  { name: "DDS", extensions: [".dds"], isDecoded: false, begins: mark("DDS ") },
  { name: "DICOM", extensions: [".dcm", ".dicom"], isDecoded: false, begins: mark("DICM", 128) },
  { name: "FITS", extensions: [".fits", ".fit", ".fts"], isDecoded: false, begins: mark("SIMPLE  =") },
  { name: "DjVu", extensions: [".djvu"], isDecoded: false, begins: mark("AT&TFORM") },
  { name: "SGI", extensions: [".sgi", ".rgb"], isDecoded: false, begins: mark("\x01\xda\0") },
  // Nothing marks the beginning of these two.
  { name: "Targa", extensions: [".tga"], isDecoded: false, begins: () => false },
  { name: "PCX", extensions: [".pcx"], isDecoded: false, begins: () => false },
];

/** Null for what begins like no kind of image. */
export function kindByContent(head: Uint8Array): ImageKind | null {
  return IMAGE_KINDS.find((kind) => kind.begins(head)) ?? null;
}

/** Null for a name that is no image's. */
export function kindByName(name: string): ImageKind | null {
  const extension = extname(name).toLowerCase();
  return IMAGE_KINDS.find(({ extensions }) => extensions.includes(extension)) ?? null;
}

/**
 * By content; by name where nothing marks the beginning. A camera's raw file begins as a TIFF, whose first image
 * is only its thumbnail.
 */
export function kindOf(name: string, head: Uint8Array): ImageKind | null {
  const [named, found] = [kindByName(name), kindByContent(head)];
  if (named === null || named.isDecoded) return found;
  return found === null || (named.name === "camera raw" && found.name === "TIFF") ? named : found;
}

/** Why such a file is not read, as the end of a sentence. */
export const notDecoded = ({ name }: ImageKind): string =>
  `its format, ${name}, is not decoded: convert it to PNG or JPEG`;

/** What is decoded, for messages. */
export const DECODED_KINDS: string = IMAGE_KINDS.filter(({ isDecoded }) => isDecoded)
  .map(({ name }) => name)
  .join(", ");
