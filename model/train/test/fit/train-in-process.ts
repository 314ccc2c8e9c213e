/** A training in a process of its own, to be killed: prints each step it has done, then writes its model. */
import { writeFileSync } from "node:fs";
import { encodeModelBytes } from "@cupel/onnx";
import { fit } from "@cupel/train";
import { parseAugmentation } from "@cupel/vision";
import { small, smallNetwork } from "./small-training.ts";
import { stripes } from "./stripes.ts";

const [checkpoint, out] = process.argv.slice(2);

const { model } = await fit(smallNetwork({ width: 8 }), {
  ...small,
  train: stripes(96, { noise: 1 }),
  validation: 0.25,
  augmentation: parseAugmentation("flip,crop=1"),
  batch: 8,
  epochs: 3,
  schedule: { kind: "one-cycle", learningRate: 0.05 },
  optimiser: { kind: "adamw" },
  clipNorm: 1,
  checkpoint: checkpoint ? { path: checkpoint, everySteps: 2, resume: true } : undefined,
  loader: { workers: 1 },
  onStep: ({ step }) => process.stdout.write(`${step}\n`),
});
if (out) writeFileSync(out, encodeModelBytes(model));
