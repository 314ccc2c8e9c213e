/**
 * Pooling with ceil_mode whose last window begins in the padding: trained as PyTorch trains it, from operator set 12,
 * whose models are brought to 18, and from 17, where the engine does not load them as they are.
 */
import assert from "node:assert/strict";
import test from "node:test";
import {
  attribute,
  encodeModelBytes,
  Model,
  runPasses,
  Tensor,
  tensorType,
  upgradeOpset,
  Value,
} from "@cupel/onnx";
import { openSession } from "@cupel/runtime";
import { openTrainer } from "@cupel/train";

interface Row {
  readonly op: "AveragePool" | "MaxPool";
  readonly size: readonly [height: number, width: number];
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  readonly countsPads: boolean;
  readonly out: readonly [height: number, width: number];
  /** PyTorch 2, float64: the loss, and of the gradient of the scale its sum and its product with cos(0.7 i). */
  readonly loss: number;
  readonly sum: number;
  readonly wave: number;
}

const row = (
  op: Row["op"],
  size: Row["size"],
  [kernel, stride, pad]: readonly [number, number, number],
  countsPads: boolean,
  out: Row["out"],
  [loss, sum, wave]: readonly [number, number, number],
): Row => ({ op, size, kernel, stride, pad, countsPads, out, loss, sum, wave });

const rows: readonly Row[] = [
  row("AveragePool", [9, 8], [2, 3, 0], false, [3, 3], [1.3227496, 0.25685029, -0.31263104]),
  row("MaxPool", [9, 8], [2, 3, 0], false, [3, 3], [0.9013966, -0.17224321, -0.12572067]),
  // Left out along the height; along the width the last window reaches beyond the padding, or does not.
  row("AveragePool", [8, 9], [3, 3, 1], true, [3, 4], [1.20836415, 0.05862275, 0.0669686]),
  row("AveragePool", [8, 10], [3, 3, 1], true, [3, 4], [1.07300637, -0.03486546, 0.00645479]),
  row("AveragePool", [8, 10], [3, 3, 1], false, [3, 4], [1.04520953, -0.04571241, 0.01441277]),
  row("MaxPool", [8, 10], [3, 3, 1], false, [3, 4], [1.78998863, 0.55762476, 0.88379992]),
  // Left out along the width; the last window of the height has the padding.
  row("AveragePool", [8, 10], [3, 4, 1], true, [3, 3], [1.09446797, -0.01164625, 0.02179917]),
  // Nothing is left out: it stays as it is.
  row("MaxPool", [5, 9], [3, 4, 1], false, [2, 3], [1.46107463, 0.46678053, -0.14972728]),
];

const filled = (dims: readonly number[], value: (index: number) => number) =>
  Tensor.float32(
    dims,
    Float32Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, (_, i) => value(i)),
  );

/** x [N, 2, H, W] times a scale, pooled, and three logits of it. */
function network(
  { op, size, kernel, stride, pad, countsPads, out }: Row,
  opset: number,
  isOpen: boolean,
): Model {
  const model = new Model({ irVersion: 8, opsets: new Map([["", opset]]) });
  const { graph } = model;
  const x = graph.add(new Value("x", tensorType("float32", ["N", 2, ...(isOpen ? ["H", "W"] : size)])));
  graph.inputs.push(x);
  const scale = graph.addConstant(
    "scale",
    filled([1, 2, ...size], (i) => 1 + 0.3 * Math.cos(0.9 * i)),
  );
  const scaled = graph.append({ opType: "Mul", inputs: [x, scale] }).output;
  const pooled = graph.append({
    opType: op,
    inputs: [scaled],
    attributes: {
      kernel_shape: attribute.ints([kernel, kernel]),
      strides: attribute.ints([stride, stride]),
      pads: attribute.ints([pad, pad, pad, pad]),
      ceil_mode: attribute.int(1),
      ...(countsPads ? { count_include_pad: attribute.int(1) } : {}),
    },
  }).output;
  const flat = graph.append({ opType: "Flatten", inputs: [pooled] }).output;
  const weight = graph.addConstant(
    "weight",
    filled([2 * out[0] * out[1], 3], (i) => 0.5 * Math.sin(2.3 * i)),
  );
  const bias = graph.addConstant(
    "bias",
    filled([3], () => 0),
  );
  const type = tensorType("float32", ["N", 3]);
  graph.outputs.push(
    graph.append({ opType: "Gemm", inputs: [flat, weight, bias], outputs: ["logits"], type }).output,
  );
  return model;
}

const imagesOf = ([height, width]: Row["size"]) => ({
  type: "float32" as const,
  dims: [2, 2, height, width],
  data: Float32Array.from({ length: 4 * height * width }, (_, i) => Math.sin(1.7 * i)),
});

const near = (found: number, expected: number, what: string) =>
  assert.ok(
    Math.abs(found - expected) <= 2e-5 * Math.max(1, Math.abs(expected)),
    `${what}: ${found}, not ${expected}`,
  );

const some = rows.slice(1, 3);
for (const [opset, isOpen, tried] of [
  [12, false, rows],
  [17, false, some],
  [12, true, some],
] as const) {
  for (const each of tried) {
    const { op, size, kernel, stride, pad, countsPads } = each;
    const window = `${kernel} by ${stride}, pad ${pad}${countsPads ? " counted" : ""}`;
    test(`${op} of ${size.join(" x ")}, ${window}, set ${opset}${isOpen ? ", open sizes" : ""}`, async () => {
      await using trainer = await openTrainer(network(each, opset, isOpen), {
        batch: 2,
        imageDims: [2, ...size],
        threads: 1,
        optimiser: { kind: "sgd", momentum: 0 },
      });
      const { loss } = await trainer.step({ inputs: { x: imagesOf(size) }, labels: Int32Array.of(0, 2) }, 1);
      near(loss, each.loss, "loss");
      const before = network(each, opset, isOpen).graph.value("scale")!.constant!.toFloat32();
      const trained = await trainer.exportModel();
      const gradient = trained.graph
        .value("scale")!
        .constant!.toFloat32()
        .map((value, i) => before[i]! - value);
      near(
        gradient.reduce((sum, value) => sum + value, 0),
        each.sum,
        "sum",
      );
      near(
        gradient.reduce((sum, value, i) => sum + value * Math.cos(0.7 * i), 0),
        each.wave,
        "wave",
      );
      // What is written runs.
      await using session = await openSession(encodeModelBytes(trained), { threads: 1 });
      await session.run({ x: imagesOf(size) });
    });
  }
}

test("brought to 13, as compression does it, the same logits come out", async () => {
  for (const each of rows) {
    const model = network(each, 12, false);
    const run = async () => {
      await using session = await openSession(encodeModelBytes(model), { threads: 1 });
      return [...(await session.run({ x: imagesOf(each.size) })).logits!.data].map(Number);
    };
    const before = await run();
    runPasses(model, [upgradeOpset(13)]);
    assert.equal(model.opset, 13);
    (await run()).forEach((value, i) => {
      near(value, before[i]!, `${each.op} ${each.size}`);
    });
  }
});
