/** What the tests of this package share: scratch folders, sources in memory, and small encoded images. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { CupelError } from "@cupel/base";
import sharp from "sharp";
import type { Image, ImageSource, Preprocessing, RawImage } from "../src/index.ts";

export interface Scratch extends AsyncDisposable {
  readonly path: string;
  /** Writes files by relative name, making their folders. */
  write(files: Readonly<Record<string, Uint8Array | string>>): Promise<void>;
}

export async function scratch(): Promise<Scratch> {
  const path = await mkdtemp(join(tmpdir(), "cupel-vision-"));
  return {
    path,
    async write(files) {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(path, name)), { recursive: true });
        await writeFile(join(path, name), content);
      }
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

export function raw(width: number, height: number, channels: 1 | 3, values: readonly number[]): RawImage {
  return { kind: "raw", width, height, channels, data: Uint8Array.from(values) };
}

/** An image of one grey level, for tests that only need to tell images apart. */
export const level = (value: number): RawImage => raw(1, 1, 1, [value]);

export function sourceOf(
  images: readonly Image[],
  { labels = null, ...overrides }: Partial<ImageSource> & { labels?: readonly number[] | null } = {},
): ImageSource {
  return {
    kind: "folder",
    location: "memory",
    length: images.length,
    classes: null,
    labelled: labels !== null,
    id: (index) => `image ${index}`,
    label: (index) => labels?.[index] ?? null,
    image: async (index) => images[index]!,
    ...overrides,
  };
}

export function png(image: RawImage): Promise<Buffer> {
  const { data, width, height, channels } = image;
  return sharp(data, { raw: { width, height, channels } }).png().toBuffer();
}

/** 0..255 as decoded, nothing resized. */
export function asDecoded(changes: Partial<Preprocessing> = {}): Preprocessing {
  const channels = changes.colour === "grey" ? 1 : 3;
  return {
    width: 1,
    height: 1,
    colour: "rgb",
    resize: { kind: "none" },
    interpolation: "bilinear",
    layout: "NCHW",
    scale: 1,
    mean: new Array(channels).fill(0),
    std: new Array(channels).fill(1),
    ...changes,
  };
}

/** The work is refused with this code, in a message that says this. */
export async function refused(work: () => unknown, code: string, saying: RegExp): Promise<void> {
  await assert.rejects(
    async () => await work(),
    (thrown) => {
      assert.ok(thrown instanceof CupelError, String(thrown));
      assert.equal(thrown.code, code, thrown.message);
      assert.match(thrown.message, saying);
      return true;
    },
  );
}

const dataFolder = process.env.CUPEL_DATA ?? resolve(import.meta.dirname, "../../../../shared/data");

/** A path in the folder of real data. */
export const realData = (path: string): string => join(dataFolder, path);

/** For the `skip` of a test: a reason where the data is absent. */
export const withoutData = existsSync(dataFolder) ? false : "no test data: set CUPEL_DATA to its folder";
