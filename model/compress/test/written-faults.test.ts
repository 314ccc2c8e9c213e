/**
 * Faults put between the graph whose figures are told and the file that is written: each is refused before the
 * file could take its name. The test damages the file; what judges it is what every compression runs.
 */
import assert from "node:assert/strict";
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import {
  attribute,
  encodeModelBytes,
  type Graph,
  type Model,
  type Node,
  readModel,
  Tensor,
  tensorType,
  type Value,
  writeModelFile,
} from "@cupel/onnx";
import { compress, defaultRecipe } from "../src/index.ts";
import { defaultFloor, type Floor } from "../src/written/floor.ts";
import { verifyCompressed } from "../src/written/verify-compressed.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network } from "./support/network.ts";
import { refused } from "./support/refused.ts";

/** Two convolutions of one shape among four, a LeakyRelu, a Clip, a dense layer, and two outputs: scores and a map. */
function network(): Model {
  const net = new Network(["N", 3, 8, 8], 3);
  const first = net.relu(net.conv("first", net.x, 3, 8));
  const second = net.node("LeakyRelu", "leaky", [net.conv("second", first, 8, 8)], { alpha: 0.3 });
  const third = net.conv("third", second, 8, 8);
  const clip = net.node("Clip", "clip", [third, net.scalar("low", -0.5), net.scalar("high", 1)]);
  const scores = net.head(clip, 8);
  const shares = net.node("Softmax", "shares", [scores], { axis: 1 });
  return net.done(shares, net.conv("map", clip, 8, 2));
}

let folder = "";
let measured: Model;
const original = () => join(folder, "float.onnx");
const images = noiseImages(40);
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cupel-faults-"));
  await writeModelFile(network(), original());
  ({ model: measured } = await compress(network(), {
    images,
    preprocessing: plain(),
    recipe: defaultRecipe(8),
    threads: 1,
  }));
});
after(() => rm(folder, { recursive: true, force: true }));

const verified = (path: string, model = measured, floor: Floor | null = defaultFloor) =>
  verifyCompressed(path, model, original(), { images, preprocessing: plain(), threads: 1, floor });

function nodeOf(graph: Graph, opType: string, at = 0): Node {
  const found = [...graph.nodes].filter((node) => node.is(opType)).at(at);
  if (!found) assert.fail(`the graph has no ${opType}`);
  return found;
}

/** The DequantizeLinear that makes the weight of a layer. */
function dequantised(graph: Graph, layer: string): Node {
  const node = [...graph.nodes].find((each) => each.name === layer)?.input(1)?.producer;
  if (!node?.is("DequantizeLinear")) assert.fail(`the weight of ${layer} is not dequantised`);
  return node;
}

function floats(graph: Graph, value: Value, change: (x: number, i: number) => number): void {
  const { dims } = value.constant!;
  graph.setConstant(value, Tensor.float32(dims, value.constant!.toFloat32().map(change)));
}

/** A constant of its own in place of one that others read too. */
function ownScale(graph: Graph, node: Node, input: number, tensor: Tensor): void {
  node.setInput(input, graph.addConstant("fault", tensor));
}

function weightBytes(
  graph: Graph,
  layer: string,
  change: (bytes: Int8Array, dims: readonly number[]) => Int8Array,
) {
  const value = dequantised(graph, layer).input(0)!;
  const { dims } = value.constant!;
  const bytes = value.constant!.bytes();
  const signed = Int8Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  graph.setConstant(value, Tensor.int8(dims, change(signed, dims)));
}

/** Puts a node between an output and what made it; the output keeps its name. */
function behindOutput(
  graph: Graph,
  index: number,
  opType: string,
  more: readonly Value[] = [],
  attributes = {},
): void {
  const output = graph.outputs[index]!;
  const { name, type } = output;
  graph.rename(output, `${name}.before`);
  const node = graph.append({
    opType,
    inputs: [output, ...more],
    outputs: [name],
    attributes,
    ...(type === null ? {} : { type }),
  });
  graph.outputs[index] = node.output;
}

const differs = "WRITTEN_FILE_DIFFERS";
const fails = "WRITTEN_FILE_FAILS";

interface GraphFault {
  readonly what: string;
  readonly code: typeof differs | typeof fails;
  damage(graph: Graph, model: Model): void;
}

const faults: readonly GraphFault[] = [
  {
    what: "a wrong scale of a weight",
    code: differs,
    damage: (graph) => floats(graph, dequantised(graph, "second").input(1)!, (x) => 2 * x),
  },
  {
    what: "a scale of one channel 10 % off",
    code: differs,
    damage: (graph) =>
      floats(graph, dequantised(graph, "third").input(1)!, (x, i) => (i === 3 ? 1.1 * x : x)),
  },
  {
    what: "a wrong scale of an activation",
    code: differs,
    damage(graph) {
      const node = nodeOf(graph, "DequantizeLinear");
      ownScale(graph, node, 1, Tensor.float32([], [2 * node.input(1)!.constant!.toFloat32()[0]!]));
    },
  },
  {
    what: "a zero point that is shifted",
    code: differs,
    damage(graph) {
      const node = nodeOf(graph, "DequantizeLinear");
      ownScale(graph, node, 2, Tensor.uint8([], [node.input(2)!.constant!.toNumbers()[0]! + 9]));
    },
  },
  {
    what: "the weights of two layers of the same shape exchanged",
    code: differs,
    damage(graph) {
      const [a, b] = [dequantised(graph, "second"), dequantised(graph, "third")];
      const [first, second] = [a.input(0)!, b.input(0)!];
      a.setInput(0, second);
      b.setInput(0, first);
    },
  },
  {
    what: "one bit of one weight flipped",
    code: differs,
    damage: (graph) =>
      weightBytes(graph, "second", (bytes) => {
        bytes[40]! ^= 0x80;
        return bytes;
      }),
  },
  {
    what: "a kernel with its sides exchanged",
    code: differs,
    damage: (graph) =>
      weightBytes(graph, "second", (bytes) =>
        bytes.map((_, i) => bytes[i - (i % 9) + 3 * (i % 3) + Math.floor((i % 9) / 3)]!),
      ),
  },
  {
    what: "a kernel with its input and output channels exchanged",
    code: differs,
    damage: (graph) =>
      weightBytes(graph, "second", (bytes) =>
        bytes.map((_, i) => bytes[(Math.floor(i / 9) % 8) * 72 + Math.floor(i / 72) * 9 + (i % 9)]!),
      ),
  },
  {
    what: "a bias that is lost",
    code: differs,
    damage: (graph) => [...graph.nodes].find(({ name }) => name === "second")!.setInput(2, null),
  },
  {
    what: "an activation that is lost",
    code: differs,
    damage(graph) {
      // A Relu or a Clip that is lost is no fault: rounding to unsigned bytes behind it clips as well.
      const leaky = nodeOf(graph, "LeakyRelu");
      graph.bypass(leaky, leaky.input(0)!);
    },
  },
  {
    what: "bounds of a Clip that are changed",
    code: differs,
    damage: (graph) => ownScale(graph, nodeOf(graph, "Clip"), 2, Tensor.float32([], [0.2])),
  },
  {
    what: "a wrong axis",
    code: differs,
    damage: (graph) => nodeOf(graph, "Softmax").attributes.set("axis", attribute.int(0)),
  },
  {
    what: "other padding of the same size",
    code: differs,
    damage: (graph) =>
      [...graph.nodes]
        .find(({ name }) => name === "third")!
        .attributes.set("pads", attribute.ints([0, 0, 2, 2])),
  },
  {
    what: "an output of another name",
    code: differs,
    damage: (graph) => graph.rename(graph.outputs[0]!, "renamed"),
  },
  { what: "outputs in another order", code: differs, damage: (graph) => void graph.outputs.reverse() },
  { what: "an output that is missing", code: differs, damage: (graph) => void graph.outputs.pop() },
  {
    what: "an output that is 1.01 times as large",
    code: differs,
    damage: (graph) =>
      behindOutput(graph, 1, "Mul", [graph.addConstant("fault", Tensor.float32([], [1.01]))]),
  },
  {
    what: "an output that is shifted",
    code: differs,
    damage: (graph) => behindOutput(graph, 1, "Add", [graph.addConstant("fault", Tensor.float32([], [0.1]))]),
  },
  {
    what: "classes in another order",
    code: differs,
    damage: (graph) =>
      behindOutput(graph, 0, "Gather", [graph.addConstant("fault", Tensor.int64([4], [1, 0, 2, 3]))], {
        axis: attribute.int(1),
      }),
  },
  {
    what: "an output of another element type",
    code: differs,
    damage(graph) {
      behindOutput(graph, 1, "Cast", [], { to: attribute.int(11) });
      graph.outputs[1]!.type = tensorType("float64", ["N", 2, 8, 8]);
    },
  },
  {
    what: "a scale that is no number",
    code: differs,
    damage: (graph) =>
      floats(graph, dequantised(graph, "second").input(1)!, (x, i) => (i === 2 ? Number.NaN : x)),
  },
  {
    what: "a value that is infinite at one place of the output",
    code: differs,
    damage: (graph) =>
      behindOutput(graph, 0, "Div", [graph.addConstant("fault", Tensor.float32([4], [1, 1, 0, 1]))]),
  },
  {
    what: "an input of another size",
    code: fails,
    damage(graph) {
      graph.inputs[0]!.type = tensorType("float32", ["N", 3, 9, 9]);
    },
  },
  {
    what: "a batch that is fixed to one image",
    code: fails,
    damage(graph) {
      graph.inputs[0]!.type = tensorType("float32", [1, 3, 8, 8]);
    },
  },
  {
    what: "an input of another name",
    code: differs,
    damage: (graph) => graph.rename(graph.inputs[0]!, "renamed"),
  },
  {
    what: "an operator the engine does not know",
    code: fails,
    damage: (graph) => behindOutput(graph, 0, "NoSuchOperator"),
  },
  {
    what: "an attribute the operator does not have",
    code: fails,
    damage: (graph) => nodeOf(graph, "Softmax").attributes.set("dilations", attribute.ints([1, 1])),
  },
  {
    what: "an operator set the engine does not know",
    code: fails,
    damage: (_, model) => void model.opsets.set("", 9999),
  },
  {
    what: "a node that fails when it runs",
    code: fails,
    damage: (graph) =>
      behindOutput(graph, 0, "Reshape", [graph.addConstant("fault", Tensor.int64([2], [-1, 3]))]),
  },
  {
    what: "a node that fails for one image and not for many",
    code: fails,
    damage: (graph) =>
      behindOutput(graph, 0, "Reshape", [graph.addConstant("fault", Tensor.int64([2], [8, -1]))]),
  },
  {
    what: "weights of another shape",
    code: fails,
    damage(graph) {
      const value = dequantised(graph, "second").input(0)!;
      value.type = tensorType("int8", [8, 4, 3, 3]);
      graph.setConstant(value, Tensor.int8([8, 4, 3, 3], new Int8Array(288)));
    },
  },
];

for (const [number, { what, code, damage }] of faults.entries()) {
  test(`a file with ${what} is refused`, async () => {
    const model = readModel(encodeModelBytes(measured));
    damage(model.graph, model);
    const path = join(folder, `fault-${number}.onnx`);
    await writeFile(path, encodeModelBytes(model));
    await refused(() => verified(path), code);
  });
}

test("a file that is as it was written passes, and its figures are told", async () => {
  const path = join(folder, "whole.onnx");
  await writeModelFile(measured, path);
  const { images: count, largestDifference, outputs } = await verified(path);
  assert.equal(count, 40);
  assert.ok(largestDifference <= 1e-3, `${largestDifference}`);
  assert.deepEqual(
    outputs.map(({ output, measure }) => [output, measure]),
    [
      ["shares", "samePrediction"],
      ["map", "sqnrDb"],
    ],
  );
});

interface FileFault {
  readonly what: string;
  damage(path: string, dataPath: string): Promise<void>;
}

const fileFaults: readonly FileFault[] = [
  {
    what: "a file that ends early",
    damage: async (path) => truncate(path, (await readFile(path)).byteLength - 40),
  },
  { what: "an empty file", damage: (path) => truncate(path, 0) },
  { what: "a file that is not there", damage: (path) => rm(path) },
  { what: "weights that end early", damage: (_, data) => truncate(data, 100) },
  { what: "weights that are not there", damage: (_, data) => rm(data) },
  {
    what: "weights whose bytes are others",
    damage: async (_, data) =>
      writeFile(
        data,
        (await readFile(data)).map((byte) => byte ^ 0x55),
      ),
  },
  {
    what: "weights of another place in their file",
    damage: async (_, data) => {
      const bytes = await readFile(data);
      await writeFile(data, Buffer.concat([bytes.subarray(512), bytes.subarray(0, 512)]));
    },
  },
];

for (const [number, { what, damage }] of fileFaults.entries()) {
  test(`${what}: refused`, async () => {
    const path = join(folder, `file-${number}`, "model.onnx");
    const { dataPath } = await writeModelFile(measured, path, { externalData: { minBytes: 64 } });
    assert.ok(dataPath);
    await copyFile(path, join(dirname(path), "whole.onnx"));
    await verified(join(dirname(path), "whole.onnx"));
    await damage(path, dataPath);
    await assert.rejects(verified(path), (thrown: { code?: string }) =>
      [differs, fails].includes(thrown.code ?? ""),
    );
  });
}

/** What the graph in memory has too is no difference from it: the floor finds it. */
const measuredFaults: readonly Pick<GraphFault, "what" | "damage">[] = [
  {
    what: "a scale that is ten times too large",
    damage: (graph) => floats(graph, dequantised(graph, "map").input(1)!, (x) => 10 * x),
  },
  {
    what: "weights that are all zero",
    damage: (graph) => weightBytes(graph, "map", (bytes) => new Int8Array(bytes.length)),
  },
  {
    what: "values that are not finite",
    damage: (graph) => floats(graph, dequantised(graph, "second").input(1)!, () => Number.NaN),
  },
  {
    what: "classes in another order",
    damage: (graph) =>
      behindOutput(graph, 0, "Gather", [graph.addConstant("fault", Tensor.int64([4], [1, 2, 3, 0]))], {
        axis: attribute.int(1),
      }),
  },
];

for (const [number, { what, damage }] of measuredFaults.entries()) {
  test(`${what} in the very graph that is written: below the floor, and let through without one`, async () => {
    const model = readModel(encodeModelBytes(measured));
    damage(model.graph, model);
    const path = join(folder, `measured-${number}.onnx`);
    await writeModelFile(model, path);
    await refused(() => verified(path, model), "FLOOR_MISSED", /at least/);
    await verified(path, model, null);
  });
}

test("a floor is held to", async () => {
  const path = join(folder, "floor.onnx");
  await writeModelFile(measured, path);
  const { outputs } = await verified(path, measured, null);
  const sqnrDb = outputs.find(({ measure }) => measure === "sqnrDb")!.value!;
  await verified(path, measured, { samePrediction: 0, sqnrDb: sqnrDb - 0.01 });
  await refused(
    () => verified(path, measured, { samePrediction: 0, sqnrDb: sqnrDb + 0.01 }),
    "FLOOR_MISSED",
    /"map" has \d+\.\d dB/,
  );
});
