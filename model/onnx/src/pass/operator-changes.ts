/**
 * What changed between operator sets 7 and 18 such that the same node means something else, or nothing: by
 * the operator set that brought the change, how a node of the one before is written in it. Changes that only
 * add element types, outputs or attributes with a neutral default have no row.
 *
 * https://github.com/onnx/onnx/blob/main/docs/Changelog.md
 */
import type { CupelError } from "@cupel/base";
import {
  attribute,
  bytesOf,
  type ElementType,
  elementTypes,
  type Graph,
  type NewNode,
  type Node,
  Tensor,
  type Value,
  type ValueType,
} from "../graph/index.ts";

export interface Change {
  /** The graph or body that holds the node. */
  readonly graph: Graph;
  readonly node: Node;
  /** As inferred before anything changed; null when not known. */
  typeOf(value: Value): ValueType | null;
  /** The error for a form that cannot be written in the newer operator set. */
  refuse(reason: string): CupelError;
}

export type Rewrite = (change: Change) => void;

/** A list of integers, once an attribute, is input `index` now. */
const listToInput =
  (name: string, index: number): Rewrite =>
  ({ graph, node }) => {
    const held = node.attributes.get(name);
    if (held?.kind !== "ints") return;
    // As read from a file they have all 64 bits; "to the end" is the greatest of them.
    const exact = BigInt64Array.from(held.proto?.ints ?? held.value.map(BigInt));
    node.attributes.delete(name);
    const tensor = Tensor.fromBytes("int64", [exact.length], bytesOf(exact));
    node.setInput(index, graph.addConstant(`${node.output.name}_${name}`, tensor));
  };

/** A number, once an attribute, is a scalar input now; of the type of the data unless another is given. */
const numberToInput =
  (name: string, index: number, type?: ElementType): Rewrite =>
  (change) => {
    const { graph, node } = change;
    const held = node.attributes.get(name);
    if (held?.kind !== "float") return;
    const data = change.typeOf(node.input(0)!);
    const elementType = type ?? (data?.kind === "tensor" ? data.elementType : null);
    if (elementType === null) throw change.refuse("the element type of its input is not known");
    node.attributes.delete(name);
    const number = graph.addConstant(`${node.output.name}_${name}`, Tensor.float32([], [held.value]));
    const isFloat32 = elementType === "float32";
    node.setInput(index, isFloat32 ? number : castBefore(graph, node, number, elementType));
  };

function castBefore(graph: Graph, node: Node, value: Value, type: ElementType): Value {
  const attributes = { to: attribute.int(elementTypes[type].code) };
  return graph.insertBefore(node, { opType: "Cast", inputs: [value], attributes }).output;
}

const inOrder =
  (...rewrites: readonly Rewrite[]): Rewrite =>
  (change) => {
    for (const rewrite of rewrites) rewrite(change);
  };

/** Another node makes the output from now on. */
function replace({ graph, node }: Change, replacement: NewNode): void {
  const made = graph.insertBefore(node, { name: node.name, ...replacement });
  node.setInput(0, made.output);
  graph.absorb(made, node);
}

const rename =
  (opType: string): Rewrite =>
  (change) => {
    const { inputs, attributes } = change.node;
    replace(change, { opType, inputs, attributes: Object.fromEntries(attributes) });
  };

/** A default that changed is written out. */
const keepDefault =
  (name: string, value: string): Rewrite =>
  ({ node }) => {
    if (!node.attributes.has(name)) node.attributes.set(name, attribute.string(value));
  };

const refuse =
  (applies: (change: Change) => boolean, reason: string): Rewrite =>
  (change) => {
    if (applies(change)) throw change.refuse(reason);
  };

const isRead = ({ graph, node }: Change, index: number): boolean => {
  const output = node.outputs[index];
  return output !== undefined && (output.uses.length > 0 || graph.isOutput(output));
};

/** Up to set 12 all axes from `axis` on, 1 by default, were one row; since 13 `axis` alone is normalised. */
const normaliseRows: Rewrite = (change) => {
  const { graph, node } = change;
  const data = node.input(0)!;
  const axis = node.int("axis", 1);
  const type = change.typeOf(data);
  if (axis === -1 || (type?.kind === "tensor" && type.shape?.length === axis + 1)) {
    node.attributes.set("axis", attribute.int(-1));
    return;
  }
  const before = (opType: string, attributes: NewNode["attributes"] = {}): Value =>
    graph.insertBefore(node, { opType, inputs: [data], attributes }).output;
  const shape = before("Shape");
  const rows = before("Flatten", { axis: attribute.int(axis) });
  const normalised = graph.insertBefore(node, {
    opType: node.opType,
    inputs: [rows],
    attributes: { axis: attribute.int(-1) },
  });
  replace(change, { opType: "Reshape", inputs: [normalised.output, shape] });
};

/**
 * Set 11 brought coordinate formulas to Resize; what it did before is called asymmetric. The nearest pixel
 * was that below when enlarging and, in the engine, that above when shrinking; only the former is one of the
 * modes for every axis.
 */
const resize: Rewrite = (change) => {
  const { node } = change;
  const scales = node.input(1);
  // A set before 10 has no Resize, and says nothing of what it needs.
  if (!scales) throw change.refuse("it has no scales");
  node.attributes.set("coordinate_transformation_mode", attribute.string("asymmetric"));
  if (node.string("mode", "nearest") === "nearest") {
    const enlarges = scales.constant?.toNumbers().every((scale) => scale >= 1) ?? false;
    if (!enlarges) throw change.refuse("which pixel is nearest was not specified when it shrinks");
    node.attributes.set("nearest_mode", attribute.string("floor"));
  }
  node.setInput(1, null);
  node.setInput(2, scales);
};

/** The input X [N, C, ...] keeps its element type; scales are float32. */
const scalesToInput: Rewrite = ({ graph, node }) => {
  const held = node.attributes.get("scales");
  if (held?.kind !== "floats") return;
  node.attributes.delete("scales");
  const tensor = Tensor.float32([held.value.length], held.value);
  node.setInput(1, graph.addConstant(`${node.output.name}_scales`, tensor));
};

const countToInput: Rewrite = ({ graph, node }) => {
  const held = node.attributes.get("k");
  if (held?.kind !== "int") return;
  node.attributes.delete("k");
  node.setInput(1, graph.addConstant(`${node.output.name}_k`, Tensor.int64([1], [held.value])));
};

/** Without lengths the parts are equal; since set 18 their number is said. */
const countParts: Rewrite = ({ node }) => {
  if (!node.input(1)) node.attributes.set("num_outputs", attribute.int(node.outputs.length));
};

const dropAttribute =
  (name: string): Rewrite =>
  ({ node }) => {
    node.attributes.delete(name);
  };

const axesToInput = listToInput("axes", 1);

export const operatorChanges: Readonly<Record<number, Readonly<Record<string, Rewrite>>>> = {
  9: {
    BatchNormalization: inOrder(
      refuse(({ node }) => node.int("spatial", 1) === 0, "statistics of each pixel (spatial = 0) are gone"),
      dropAttribute("spatial"),
    ),
    Scan: refuse(() => true, "its batch axis is gone"),
    Upsample: scalesToInput,
  },
  10: {
    Dropout: refuse((change) => isRead(change, 1), "its mask is of another element type now"),
    Slice: inOrder(listToInput("starts", 1), listToInput("ends", 2), listToInput("axes", 3)),
    TopK: countToInput,
    Upsample: rename("Resize"),
  },
  11: {
    Clip: inOrder(numberToInput("min", 1), numberToInput("max", 2)),
    Pad: inOrder(listToInput("pads", 1), numberToInput("value", 2)),
    Resize: resize,
    Scatter: rename("ScatterElements"),
  },
  12: {
    Dropout: numberToInput("ratio", 1, "float32"),
  },
  13: {
    Hardmax: normaliseRows,
    LogSoftmax: normaliseRows,
    ReduceSum: axesToInput,
    Resize: refuse(
      ({ node }) => node.string("coordinate_transformation_mode", "") === "tf_half_pixel_for_nn",
      "tf_half_pixel_for_nn is gone",
    ),
    Softmax: normaliseRows,
    Split: listToInput("split", 1),
    Squeeze: axesToInput,
    Unsqueeze: axesToInput,
  },
  14: {
    BatchNormalization: refuse(
      ({ node }) => node.outputs.slice(1).some((output) => output.name !== ""),
      "its outputs of a training step are others now",
    ),
  },
  16: {
    RoiAlign: keepDefault("coordinate_transformation_mode", "output_half_pixel"),
  },
  18: {
    ReduceL1: axesToInput,
    ReduceL2: axesToInput,
    ReduceLogSum: axesToInput,
    ReduceLogSumExp: axesToInput,
    ReduceMax: axesToInput,
    ReduceMean: axesToInput,
    ReduceMin: axesToInput,
    ReduceProd: axesToInput,
    ReduceSumSquare: axesToInput,
    Split: countParts,
  },
};
