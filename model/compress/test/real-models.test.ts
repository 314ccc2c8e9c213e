/** The published models of the test data: CUPEL_DATA, or ../shared/data beside the repository. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { encodeModel, readModelFile } from "@cupel/onnx";
import { compareEvaluations, evaluate } from "@cupel/predict";
import { fusionReport } from "@cupel/runtime";
import { openImages, parsePreprocessing, preprocessingFor, sample } from "@cupel/vision";
import { compress, defaultRecipe } from "../src/index.ts";

const data = process.env.CUPEL_DATA ?? resolve(import.meta.dirname, "../../../../shared/data");
const file = join(data, "models/resnet20_cifar10.onnx");
const skip = existsSync(file) ? false : "the test data is not here (set CUPEL_DATA)";

test("resnet20 on CIFAR-10 in INT8: every layer fuses, half a point is lost at most", { skip }, async () => {
  const model = await readModelFile(file);
  const preprocessing = parsePreprocessing(
    "preset=imagenet,resize=none,crop=32",
    preprocessingFor([null, 3, 32, 32]),
  );
  const { model: small } = await compress(model, {
    images: sample(await openImages(join(data, "cifar10/train_a.bin.gz")), 256, 1),
    preprocessing,
    recipe: defaultRecipe(8),
  });
  const images = sample(await openImages(join(data, "cifar10/test_a.bin.gz")), 1000, 1);
  const before = await evaluate(file, images, preprocessing);
  const after = await evaluate(encodeModel(small), images, preprocessing);
  // The data sheet states 81.0 % for all 3000 images, which are JPEGs of CIFAR-10's.
  assert.ok(before.top1! > 0.78, `${before.top1}`);
  assert.ok(compareEvaluations(before, after).difference!.value >= -0.005);
  const { convolutions, matrixProducts } = await fusionReport(encodeModel(small));
  assert.deepEqual(
    [convolutions.quantised, matrixProducts.quantised],
    [convolutions.total, matrixProducts.total],
  );
});
