/** Faults of a written graph: what could go wrong between the graph in memory and the file, one change each. */
import assert from "node:assert/strict";
import { attribute, type Graph, type Model, type Node, Tensor, tensorType, type Value } from "@cupel/onnx";

function nodeOf(graph: Graph, opType: string, at = 0): Node {
  const found = [...graph.nodes].filter((node) => node.is(opType)).at(at);
  if (!found) assert.fail(`the graph has no ${opType}`);
  return found;
}

/** What makes the weight of a layer from integers and, its second input, scales: Mul for one that runs in float. */
export function dequantised(graph: Graph, layer: string): Node {
  const node = [...graph.nodes].find((each) => each.name === layer)?.input(1)?.producer;
  if (!node?.is("DequantizeLinear", "Mul")) assert.fail(`the weight of ${layer} is not dequantised`);
  return node;
}

export function floats(graph: Graph, value: Value, change: (x: number, i: number) => number): void {
  const { dims } = value.constant!;
  graph.setConstant(value, Tensor.float32(dims, value.constant!.toFloat32().map(change)));
}

/** A constant of its own in place of one that others read too. */
function ownScale(graph: Graph, node: Node, input: number, tensor: Tensor): void {
  node.setInput(input, graph.addConstant("fault", tensor));
}

export function weightBytes(
  graph: Graph,
  layer: string,
  change: (bytes: Int8Array, dims: readonly number[]) => Int8Array,
) {
  const made = dequantised(graph, layer).input(0)!;
  const value = made.producer?.is("Cast") ? made.producer.input(0)! : made;
  const { dims } = value.constant!;
  const bytes = value.constant!.bytes();
  const signed = Int8Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  graph.setConstant(value, Tensor.int8(dims, change(signed, dims)));
}

/** Puts a node between an output and what made it; the output keeps its name. */
export function behindOutput(
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

export const differs = "WRITTEN_FILE_DIFFERS";
export const fails = "WRITTEN_FILE_FAILS";

export interface GraphFault {
  readonly what: string;
  readonly code: typeof differs | typeof fails;
  damage(graph: Graph, model: Model): void;
}

export const graphFaults: readonly GraphFault[] = [
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
    code: differs,
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
