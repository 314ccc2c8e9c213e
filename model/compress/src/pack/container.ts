/**
 * The layout of a packed model, see docs/packed-container.md: bytes to data and back, and what may be wrong with them. It does
 * no input or output.
 *
 *   magic, version     9 bytes
 *   header             4 bytes of length, 32 of its SHA-256, then JSON in Brotli
 *   a part             4 bytes of length, 4 that name the coding, then what was coded; in the order of the header
 */
import { createHash } from "node:crypto";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { reasonOf } from "@cupel/base";
import { packedMagic } from "@cupel/onnx";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { compressErrors } from "../errors.ts";
import { type CodeBits, widestSide } from "./code-planes.ts";
import { brotliParameters, type Coding } from "./coders.ts";
import { planeCodings } from "./number-planes.ts";
import { type Extent, partBytes } from "./plan-parts.ts";

export const containerVersion = 1;

const whole = Type.Integer({ minimum: 0 });

const headerSchema = Type.Object(
  {
    files: Type.Array(
      Type.Object(
        {
          /** Of the model its own name; of a file of weights its place relative to the model, with "/". */
          name: Type.String(),
          bytes: whole,
          sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
          /** Of each part: bytes from the end of its last extent (or the start of the file) and length, for each of its extents. */
          parts: Type.Array(Type.Array(whole)),
        },
        { additionalProperties: false },
      ),
      { minItems: 1 },
    ),
  },
  { additionalProperties: false },
);

export interface PackedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly parts: readonly (readonly Extent[])[];
}

// What whoever unpacks allows. The writer keeps to it.
/** All are open at once while they are written. */
export const mostFiles = 500;
const longestHeader = 2 ** 25;
/** Of parts that are decoded and not yet written to their end. */
const mostHeld = 2 ** 26;

const headBytes = packedMagic.length + 1 + 4 + 32;
const partHeadBytes = 8;
/** A coder gains, or the bytes are stored. */
const longestCoded = partBytes;

export function encodeHeader(files: readonly PackedFile[]): Uint8Array {
  const document: Static<typeof headerSchema> = {
    files: files.map(({ parts, ...file }) => ({ ...file, parts: parts.map(gapsOf) })),
  };
  const json = Buffer.from(JSON.stringify(document));
  const params = brotliParameters(json.length, constants.BROTLI_MAX_QUALITY);
  const coded = brotliCompressSync(json, { params });
  const head = Buffer.alloc(headBytes);
  head.set(packedMagic);
  head[packedMagic.length] = containerVersion;
  head.writeUInt32LE(coded.length, packedMagic.length + 1);
  head.set(digestOf(coded), packedMagic.length + 5);
  return Buffer.concat([head, coded]);
}

function gapsOf(extents: readonly Extent[]): number[] {
  let end = 0;
  return extents.flatMap(({ start, length }) => {
    const gap = start - end;
    end = start + length;
    return [gap, length];
  });
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

/** Takes `length` bytes from where the last call ended. @throws PACKED_TRUNCATED */
export type Take = (length: number) => Promise<Uint8Array>;

/** @throws PACKED_UNKNOWN, PACKED_TOO_NEW, PACKED_TRUNCATED, PACKED_DAMAGED */
export async function readHeader(take: Take): Promise<readonly PackedFile[]> {
  const magic = await take(packedMagic.length).catch(() => null);
  if (magic === null || !packedMagic.every((byte, i) => magic[i] === byte)) {
    throw compressErrors.error(
      "PACKED_UNKNOWN",
      "The file is not a packed model: it does not begin as one. Make one with cupel pack.",
    );
  }
  const head = Buffer.from(await take(headBytes - packedMagic.length));
  if (head[0] !== containerVersion) {
    throw compressErrors.error(
      "PACKED_TOO_NEW",
      `The packed model has layout ${head[0]}; this version reads ${containerVersion}. Unpack it with a newer version of cupel.`,
    );
  }
  const length = head.readUInt32LE(1);
  if (length > longestHeader) throw damaged("its header has an impossible length");
  const coded = await take(length);
  if (!digestOf(coded).equals(head.subarray(5)))
    throw damaged("its header does not have the digest that it is said to have");
  return checkedFiles(parsedHeader(coded));
}

function parsedHeader(coded: Uint8Array): unknown {
  try {
    return JSON.parse(brotliDecompressSync(coded, { maxOutputLength: longestHeader }).toString());
  } catch (thrown) {
    throw damaged(`its header cannot be read (${reasonOf(thrown)})`);
  }
}

function checkedFiles(document: unknown): readonly PackedFile[] {
  if (!Check(headerSchema, document)) throw damaged("its header is not one of layout 1");
  const { files } = document;
  if (files.length > mostFiles) throw damaged(`it says that it holds ${files.length} files`);
  const names = new Set(files.map(({ name }) => name.toLowerCase()));
  if (names.size !== files.length) throw damaged("two of its files have one name");
  for (const { name } of files) {
    const problem = nameProblem(name);
    if (problem !== null) throw damaged(`it holds a file whose name ${problem}`);
  }
  return files.map(({ parts, ...file }) => {
    const checked = { ...file, parts: parts.map(extentsOf) };
    assertTiled(checked);
    return checked;
  });
}

/** Where unpacking puts a file is for the names to say: none leads out of the folder of the model, is hidden, or means more to some system. */
export function nameProblem(name: string): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  if (name.length > 1000 || /[\u0000-\u001f\u007f\\:*?"<>|]/.test(name))
    return "has characters that not every system has in names";
  if (
    name
      .split("/")
      .some((part) => part === "" || part.startsWith(".") || /[. ]$/.test(part) || part.length > 200)
  ) {
    return "leads out of the folder, is hidden or is none";
  }
  return null;
}

function extentsOf(numbers: readonly number[]): readonly Extent[] {
  if (numbers.length === 0 || numbers.length % 2 !== 0) throw damaged("a part of it lies nowhere");
  let end = 0;
  const extents: Extent[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    const start = end + numbers[i]!;
    const length = numbers[i + 1]!;
    end = start + length;
    if (length === 0) throw damaged("a part of it is empty");
    extents.push({ start, length });
  }
  return extents;
}

/** Parts come in the order of their first bytes, cover the file once, and few wait for their last. @throws PACKED_DAMAGED */
function assertTiled({ bytes, parts }: PackedFile): void {
  let end = 0;
  let next = 0;
  let held = 0;
  for (const { part, start, length, isLast } of extentsInOrder(parts)) {
    if (start !== end) throw damaged("its parts do not make up a file");
    end += length;
    if (part > next) throw damaged("its parts are not in order");
    if (part === next) {
      const size = partLength(parts[part]!);
      if (size > partBytes) throw damaged("a part of it is too large");
      held += size;
      next++;
    }
    if (held > mostHeld) throw damaged("too much of it would have to be kept in memory");
    if (isLast) held -= partLength(parts[part]!);
  }
  if (end !== bytes) throw damaged("its parts do not make up a file");
}

export interface PlacedExtent extends Extent {
  /** Index of the part. */
  readonly part: number;
  /** Where in the part. */
  readonly offset: number;
  readonly isLast: boolean;
}

/** All extents of a file by where they lie in it. */
export function extentsInOrder(parts: readonly (readonly Extent[])[]): readonly PlacedExtent[] {
  const placed = parts.flatMap((extents, part) => {
    let offset = 0;
    return extents.map(({ start, length }, i): PlacedExtent => {
      const at = offset;
      offset += length;
      return { start, length, part, offset: at, isLast: i === extents.length - 1 };
    });
  });
  return placed.sort((a, b) => a.start - b.start);
}

export function partLength(extents: readonly Extent[]): number {
  return extents.reduce((sum, { length }) => sum + length, 0);
}

const codeBits: readonly CodeBits[] = [2, 3, 4, 5, 6, 8];
const coders = ["stored", "brotli", "codes", "numbers"] as const;

/** The bytes before what was coded. */
export function encodePartHead(coding: Coding, length: number): Uint8Array {
  const head = Buffer.alloc(partHeadBytes);
  head.writeUInt32LE(length);
  head[4] = coders.indexOf(coding.coder);
  if (coding.coder === "codes") head.set([coding.bits, coding.side, coding.isSigned ? 1 : 0], 5);
  if (coding.coder === "numbers") {
    head[5] = coding.planes.length;
    // Two bits a plane, the top one lowest.
    head.writeUInt16LE(
      coding.planes.reduce((bits, plane, i) => bits | (planeCodings.indexOf(plane) << (2 * i)), 0),
      6,
    );
  }
  return head;
}

/** @throws PACKED_TRUNCATED, PACKED_DAMAGED */
export async function readPart(take: Take): Promise<{ readonly coding: Coding; readonly coded: Uint8Array }> {
  const head = Buffer.from(await take(partHeadBytes));
  const coding = codingOf(head);
  const length = head.readUInt32LE();
  if (coding === null || length > longestCoded) throw damaged("a part of it is in no coding that there is");
  return { coding, coded: await take(length) };
}

function codingOf(head: Buffer): Coding | null {
  const coder = coders[head[4]!];
  const figure = head[5]!;
  const planes = head.readUInt16LE(6);
  if (coder === "numbers") {
    if (figure < 1 || figure > 8) return null;
    const codings = Array.from({ length: figure }, (_, i) => planeCodings[(planes >> (2 * i)) & 3]);
    return codings.every((each) => each !== undefined) ? { coder, planes: codings } : null;
  }
  if (coder === "codes") {
    const bits = codeBits.find((each) => each === figure);
    const [side, sign] = [head[6]!, head[7]!];
    if (bits === undefined || side < 1 || side > widestSide || sign > 1) return null;
    return { coder, bits, side, isSigned: sign === 1 };
  }
  return coder === undefined ? null : { coder };
}

export function damaged(problem: string) {
  return compressErrors.error(
    "PACKED_DAMAGED",
    `The packed model is damaged: ${problem}. Nothing was written. Get it again from where it came from.`,
  );
}
