/** Images of one grey level that a small model reads its prediction from: 16 times the class it will predict. */
import { type Model, Tensor } from "@cupel/onnx";
import type { Preprocessing } from "@cupel/vision";
import sharp from "sharp";
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

/** The file of an image that `levelClassifier` predicts as this class. */
export function levelPng(predicted: number): Promise<Buffer> {
  const background = { r: 16 * predicted, g: 16 * predicted, b: 16 * predicted };
  return sharp({ create: { width: side, height: side, channels: 3, background } })
    .png()
    .toBuffer();
}
