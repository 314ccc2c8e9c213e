/** Images of one grey level that a small model reads its prediction from: 16 times the class it will predict. */
import { crc32, deflateSync } from "node:zlib";
import { type Model, Tensor } from "@cupel/onnx";
import type { Preprocessing } from "@cupel/vision";
import { side } from "./images.ts";
import { modelOf, node } from "./models.ts";

/** Pixels as they are. */
export const asIs: Preprocessing = {
  width: side,
  height: side,
  colour: "rgb",
  resize: { kind: "none" },
  interpolation: "bilinear",
  layout: "NCHW",
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

/** The score of class k is 2 k x - k * k for the level 16 x: highest where k is nearest to x. */
export function levelClassifier(classes: number): Model {
  return modelOf((model, x) => {
    const weights = Array.from({ length: 3 }, () =>
      Array.from({ length: classes }, (_, k) => (2 * k) / 16 / 3),
    );
    const w = model.graph.addConstant("w", Tensor.float32([3, classes], weights.flat()));
    const bias = Array.from({ length: classes }, (_, k) => -k * k);
    const b = model.graph.addConstant("b", Tensor.float32([classes], bias));
    const level = node(model, "Flatten", "level", node(model, "GlobalAveragePool", "pool", x));
    return node(model, "Gemm", "scores", level, w, b);
  });
}

/** The file of an image that `levelClassifier` predicts as this class: a grey PNG of 8 bits, no filters. */
export function levelPng(predicted: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 8;
  const row = Buffer.alloc(1 + side, 16 * predicted).fill(0, 0, 1);
  const rows = deflateSync(Buffer.concat(Array.from({ length: side }, () => row)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", rows),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
