/** What a file declares of its outputs may be wrong or missing: tasks go by what the graph, or a first run, gives. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attribute, encodeModel, type Model, type Shape, Tensor, tensorType, type Value } from "@cupel/onnx";
import { evaluateAs, features, openPredictor } from "@cupel/predict";
import { channelMeans, noiseImages, plain, side } from "./support/images.ts";
import { colourClassifier, modelOf, node } from "./support/models.ts";

function declaredAs(model: Model, shape: Shape): Model {
  model.graph.outputs[0]!.type = tensorType("float32", shape);
  return model;
}

/** An operator that shape inference has no row for. */
function gelu(model: Model, x: Value): Value {
  model.opsets.set("com.microsoft", 1);
  return model.graph.append({
    opType: "Gelu",
    domain: "com.microsoft",
    inputs: [x],
    outputs: ["y"],
    type: tensorType("float32", null),
  }).output;
}

/** Rows of the image, `[H, N, 3 W]`: no task but features knows them. */
function rowsFirst(shape: Shape): Model {
  return modelOf((model, x) => {
    const attributes = { perm: attribute.ints([2, 0, 1, 3]) };
    const turned = model.graph.append({ opType: "Transpose", inputs: [x], attributes }).output;
    const to = model.graph.addConstant("to", Tensor.int64([3], [0, 0, -1]));
    return node(model, "Reshape", "y", turned, to);
  }, shape);
}

test("an output of rank 3 that is declared with two dimensions is no row of scores, and that is said", async () => {
  for (const shape of [
    [1, 3, side, side],
    ["N", 3, side, side],
  ]) {
    const source = encodeModel(declaredAs(rowsFirst(shape), [1, "seqlen"]));
    await using predictor = await openPredictor(source, { threads: 1, preprocessing: plain });
    assert.equal(predictor.taskName, "features");
    const [said, ...others] = predictor.outputSentences;
    assert.deepEqual(others, []);
    assert.match(said!, /"y" as \[1, seqlen\]; it has the shape \[8, (1|N), 24\]/);
    const { indices } = await predictor.evaluate(noiseImages(3));
    assert.deepEqual(indices, [0, 1, 2]);
    const evaluated = await evaluateAs(features, source, noiseImages(3), plain, { threads: 1 });
    assert.deepEqual(evaluated.predictions[2]![0]!.dims, [side, 1, 24]);
  }
});

test("what the graph does not tell either is as a first run gives it", async () => {
  const rank4 = modelOf((model, x) => gelu(model, node(model, "GlobalAveragePool", "pool", x)));
  const scores = modelOf((model, x) =>
    gelu(model, node(model, "Flatten", "flat", node(model, "GlobalAveragePool", "pool", x))),
  );
  const open = (model: Model) => openPredictor(encodeModel(model), { threads: 1, preprocessing: plain });
  await using other = await open(declaredAs(rank4, ["N", 7]));
  assert.match(other.outputSentences.join(), /"y" as \[N, 7\]; it has the shape \[N, 3, 1, 1\]/);
  await using classifier = await open(declaredAs(scores, null));
  assert.ok(classifier.taskName === "classification");
  assert.equal(classifier.classCount, 3);
  assert.match(classifier.outputSentences.join(), /"y" without a shape; it has the shape \[N, 3\]/);
  for await (const { index, prediction } of classifier.predict(noiseImages(2))) {
    const means = channelMeans(index);
    assert.equal(prediction.classIndex, means.indexOf(Math.max(...means)));
  }
});

test("a size that follows the image stays open, and declarations that hold are not touched", async () => {
  const model = declaredAs(
    modelOf(
      (graph, x) => {
        const attributes = { axes: attribute.ints([1]), keepdims: attribute.int(0) };
        const mean = graph.graph.append({ opType: "ReduceMean", inputs: [x], attributes }).output;
        return gelu(graph, mean);
      },
      ["N", 3, side, "W"],
    ),
    ["N", 10],
  );
  await using predictor = await openPredictor(encodeModel(model), { threads: 1, preprocessing: plain });
  assert.match(predictor.outputSentences.join(), /it has the shape \[N, 8, \?\]/);
  await using right = await openPredictor(encodeModel(colourClassifier()), {
    threads: 1,
    preprocessing: plain,
  });
  assert.deepEqual(right.outputSentences, []);
});

test("a name that stands for a size tells nothing: a first run does", async () => {
  const scores = modelOf((model, x) =>
    gelu(model, node(model, "Flatten", "flat", node(model, "GlobalAveragePool", "pool", x))),
  );
  await using classifier = await openPredictor(encodeModel(declaredAs(scores, ["N", "Gemm_dim_1"])), {
    threads: 1,
    preprocessing: plain,
  });
  assert.equal(classifier.classCount, 3);
  assert.deepEqual(classifier.outputSentences, []);
  const maps = modelOf(gelu, ["N", 3, "H", "W"]);
  await using segmenter = await openPredictor(encodeModel(declaredAs(maps, ["N", "Conv_dim_1", "H", "W"])), {
    threads: 1,
    preprocessing: plain,
  });
  assert.equal(segmenter.taskName, "segmentation");
  assert.equal(segmenter.classCount, 3);
});
