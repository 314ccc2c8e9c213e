/** A network by name is built for the size that the images have, also where only the headers of files say it. */
import assert from "node:assert/strict";
import test from "node:test";
import { crc32, deflateSync } from "node:zlib";
import { networkForImages } from "@cupel/train";
import type { Image, ImageSource } from "@cupel/vision";
import { stripes } from "./stripes.ts";

/** A black PNG of 8 bits a channel, in grey or colour. */
const png = (width: number, height: number, isGrey = false): Image => {
  const chunk = (type: string, data: Uint8Array) => {
    const named = Buffer.concat([Buffer.from(type), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, check]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, isGrey ? 0 : 2], 8);
  const pixels = Buffer.alloc(height * (1 + width * (isGrey ? 1 : 3)));
  const chunks = [chunk("IHDR", header), chunk("IDAT", deflateSync(pixels)), chunk("IEND", Buffer.alloc(0))];
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  return { kind: "encoded", bytes: Buffer.concat([signature, ...chunks]) };
};

function sourceOf(images: readonly Image[]): ImageSource {
  const labels = { classes: ["a", "b"], label: (index: number) => index % 2 };
  return { ...stripes(images.length), ...labels, image: async (index) => images[index]! };
}

const built = async (...images: readonly Image[]) => {
  const { network, preprocessing, remark } = await networkForImages(
    "resnetCifar:depth=8,width=4",
    sourceOf(images),
    { seed: 1 },
  );
  const { width, height, resize } = preprocessing;
  return { input: network.graph.inputs[0]!.shape!.slice(1), width, height, resize, remark };
};

test("images of 64 x 64 are trained on at 64 x 64", async () => {
  const image = png(64, 64);
  assert.deepEqual(await built(image, image), {
    input: [3, 64, 64],
    width: 64,
    height: 64,
    resize: { kind: "short-side", size: 64 },
    remark: null,
  });
});

test("grey images make a network of one channel; a single colour makes it three", async () => {
  const grey = png(28, 28, true);
  assert.deepEqual((await built(grey, grey)).input, [1, 28, 28]);
  assert.deepEqual((await built(grey, png(28, 28))).input, [3, 28, 28]);
});

test("images that are not square keep their shape", async () => {
  const image = png(48, 32);
  const { input, width, height, remark } = await built(image, image);
  assert.deepEqual([input, width, height, remark], [[3, 32, 48], 48, 32, null]);
});

test("images that differ, or are large, are resized to 224 x 224, and the sizes are said", async () => {
  const differing = await built(png(64, 64), png(80, 60));
  assert.deepEqual(differing.input, [3, 224, 224]);
  assert.match(differing.remark!, /differ in size, from 64 x 64 to 80 x 60 pixels.*3 x 224 x 224/);
  const large = png(640, 480);
  assert.match((await built(large, large)).remark!, /have 640 x 480 pixels.*3 x 224 x 224/);
});
