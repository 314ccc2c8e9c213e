/**
 * The binary version of CIFAR-10: https://www.cs.toronto.edu/~kriz/cifar.html
 * A record is one label byte and 3072 bytes: the red, green and blue planes of 32 x 32 pixels.
 */
import { basename } from "node:path";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";
import { checkLabels, classNamesBeside } from "./class-names.ts";
import { interleave } from "./idx.ts";
import { readPacked, unpacked } from "./packed-file.ts";

const SIDE = 32;
const PIXEL_BYTES = SIDE * SIDE * 3;
const RECORD_BYTES = 1 + PIXEL_BYTES;

export interface CifarOptions {
  readonly classes?: readonly string[] | string | undefined;
}

/** @throws IMAGE_SOURCE_DAMAGED, IMAGE_SOURCE_TOO_LARGE, IMAGES_NONE, LABELS_MISMATCH */
export async function openCifar(path: string, options: CifarOptions): Promise<ImageSource> {
  const bytes = await unpacked(await readPacked(path), path);
  const count = bytes.length / RECORD_BYTES;
  if (!Number.isInteger(count)) {
    throw visionErrors.error(
      "IMAGE_SOURCE_DAMAGED",
      `${path} has ${bytes.length} bytes, not a multiple of the ${RECORD_BYTES} of a CIFAR-10 record. ` +
        "It is truncated or in another format.",
      { details: { path, bytes: bytes.length } },
    );
  }
  if (count === 0) throw visionErrors.error("IMAGES_NONE", `${path} holds no image.`);
  const classes = await classNamesBeside(options.classes, path);
  const labels = Uint8Array.from({ length: count }, (_, i) => bytes[i * RECORD_BYTES]!);
  checkLabels(labels, classes, path);

  const name = basename(path);
  return {
    kind: "cifar",
    location: path,
    length: count,
    classes,
    labelled: true,
    id: (index) => `${name}#${index}`,
    label: (index) => labels[index] ?? null,
    image: async (index) => {
      const start = index * RECORD_BYTES + 1;
      const data = interleave(bytes.subarray(start, start + PIXEL_BYTES), 3);
      return { kind: "raw", width: SIDE, height: SIDE, channels: 3, data };
    },
  };
}
