/**
 * Parallel linear branches that are added up, as RepVGG and MobileOne train them, are one Conv:
 *
 *   Conv(x, W1) + Conv(x, W2) + BatchNormalization(x)  =  Conv(x, W),  b = b1 + b2 + t,
 *
 * where W is the sum of all kernels, smaller ones laid where their taps fall in the largest, and a
 * BatchNormalization of the input is a kernel of one tap: its scale on the diagonal. Runs after
 * `fold-batch-norm`, which takes care of those behind a Conv. A plain identity is left as an Add: its tap of
 * one would widen the range of weights for the sake of one addition.
 */
import { attribute, type Graph, type Node, type Pass, Tensor, type Value } from "@cupel/onnx";
import { channelBias, setParameter } from "../layer.ts";
import { batchNormMap } from "./fold-batch-norm.ts";

/** A linear map of a value: a Conv, or one channel at a time. */
interface Branch {
  readonly node: Node;
  readonly source: Value;
  /** Weights [outputs, inputs / group, ...kernel]; null for a diagonal of `bias.length` channels. */
  readonly weight: Tensor | null;
  readonly diagonal: Float64Array | null;
  readonly bias: Float32Array;
  readonly window: Window;
  readonly group: number;
}

/** One entry a spatial axis. */
interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

export const mergeBranches: Pass = {
  name: "merge-branches",
  requires: ["fixedConstants", "ownParameters"],
  run(model) {
    const { graph } = model;
    let merged = 0;
    for (const node of graph.nodes) {
      if (!node.is("Add", "Sum") || node.inputs.length !== 2) continue;
      const [a, b] = node.inputs.map((value) => value && branchOf(graph, value, model.opset));
      if (!a || !b || a.node === b.node || a.source !== b.source) continue;
      const [wide, narrow] = taps(a) >= taps(b) ? [a, b] : [b, a];
      if (merge(graph, wide, narrow, node)) merged++;
    }
    return {
      modified: merged > 0,
      notes: merged ? [`merged ${merged} parallel branches into the Conv beside them`] : [],
    };
  },
};

/** A diagonal has fewer taps than any Conv. */
const taps = ({ weight, window }: Branch) => (weight ? window.kernel.reduce((n, size) => n * size, 1) : 0);

function branchOf(graph: Graph, value: Value, opset: number): Branch | null {
  const node = value.producer;
  const source = node?.input(0);
  if (!node || !source || value.uses.length !== 1 || graph.isOutput(value)) return null;
  if (node.is("BatchNormalization")) return diagonalBranch(node, source, opset);
  const weight = node.input(1);
  if (!node.is("Conv") || weight?.constant?.type !== "float32" || weight.uses.length !== 1) return null;
  if (node.string("auto_pad", "NOTSET") !== "NOTSET") return null;
  const [outputs, , ...kernel] = weight.constant.dims;
  const given = node.input(2);
  const bias = given ? channelBias(given, outputs!) : new Float32Array(outputs!);
  if (!bias) return null;
  const each = (fill: number) => kernel.map(() => fill);
  const pads = node.ints("pads") ?? [...each(0), ...each(0)];
  const window = {
    kernel,
    strides: node.ints("strides") ?? each(1),
    dilations: node.ints("dilations") ?? each(1),
    begin: pads.slice(0, kernel.length),
    end: pads.slice(kernel.length),
  };
  return { node, source, weight: weight.constant, diagonal: null, bias, window, group: node.int("group", 1) };
}

function diagonalBranch(node: Node, source: Value, opset: number): Branch | null {
  const map = batchNormMap(node, opset);
  const rank = source.shape?.length;
  if (!map || rank === undefined) return null;
  const each = (fill: number) => Array<number>(rank - 2).fill(fill);
  const window = { kernel: each(1), strides: each(1), dilations: each(1), begin: each(0), end: each(0) };
  const bias = Float32Array.from(map.offset);
  return { node, source, weight: null, diagonal: map.scale, bias, window, group: bias.length };
}

/** Where the first tap of the narrow kernel falls in the wide one, an axis; null where the windows do not match. */
function firstTaps(wide: Window, narrow: Window): number[] | null {
  const first: number[] = [];
  for (const [axis, kernel] of wide.kernel.entries()) {
    const [dilation, small] = [wide.dilations[axis]!, narrow.kernel[axis]!];
    if (wide.strides[axis] !== narrow.strides[axis]) return null;
    if (small > 1 && narrow.dilations[axis] !== dilation) return null;
    const offset = wide.begin[axis]! - narrow.begin[axis]!;
    const tap = offset / dilation;
    const left = (kernel - small - tap) * dilation;
    if (!Number.isInteger(tap) || tap < 0 || left < 0 || wide.end[axis]! - narrow.end[axis]! !== left)
      return null;
    first.push(tap);
  }
  return first;
}

function merge(graph: Graph, wide: Branch, narrow: Branch, sum: Node): boolean {
  const tensor = wide.weight;
  if (!tensor || wide.window.kernel.length !== narrow.window.kernel.length) return false;
  const first = firstTaps(wide.window, narrow.window);
  const [outputs, perGroup] = [tensor.dims[0]!, tensor.dims[1]!];
  const inputs = perGroup * wide.group;
  if (!first || narrow.bias.length !== outputs) return false;
  if (narrow.weight ? narrow.group !== wide.group : inputs !== outputs) return false;

  const place = placeOf(wide.window.kernel, narrow.window.kernel, first);
  const [size, small] = [elements(wide.window.kernel), elements(narrow.window.kernel)];
  const weights = Float64Array.from(tensor.toFloat32());
  if (narrow.weight) {
    const other = narrow.weight.toFloat32();
    for (const [i, value] of other.entries()) {
      const at = Math.floor(i / small) * size + place(i % small);
      weights[at] = weights[at]! + value;
    }
  } else {
    for (const [channel, value] of narrow.diagonal!.entries()) {
      const at = (channel * perGroup + (channel % perGroup)) * size + place(0);
      weights[at] = weights[at]! + value;
    }
  }
  const { node } = wide;
  graph.setConstant(node.input(1)!, Tensor.float32(tensor.dims, Float32Array.from(weights)));
  const bias = Tensor.float32(
    [outputs],
    wide.bias.map((value, c) => value + narrow.bias[c]!),
  );
  if (node.input(2)) setParameter(graph, node.input(2)!, bias);
  else node.setInput(2, graph.addConstant(`${node.input(1)!.name}.bias`, bias));
  node.attributes.set("kernel_shape", attribute.ints([...wide.window.kernel]));
  sum.setInput(sum.inputs.indexOf(narrow.node.output), null);
  graph.remove(narrow.node);
  graph.absorb(node, sum);
  return true;
}

const elements = (sizes: readonly number[]) => sizes.reduce((product, size) => product * size, 1);

/** The place in the wide kernel, row-major, of a tap of the narrow one. */
function placeOf(wide: readonly number[], narrow: readonly number[], first: readonly number[]) {
  return (tap: number): number => {
    let [rest, stride, at] = [tap, 1, 0];
    for (let axis = wide.length - 1; axis >= 0; axis--) {
      at += ((rest % narrow[axis]!) + first[axis]!) * stride;
      rest = Math.floor(rest / narrow[axis]!);
      stride *= wide[axis]!;
    }
    return at;
  };
}
