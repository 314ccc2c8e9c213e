/**
 * Quantised weights as standard ONNX nodes that the engine folds into INT8 constants when it loads the
 * file. Under 8 bits the codes lie bit-packed in uint8 planes; what unpacks them is
 *
 *   plane bytes -> BitShift -> Mod -> Cast            codes of one plane, 8 / width to the byte
 *   sum of planes << offset -> Gather(levels)         int8 values
 *   (Mul by block multipliers) -> Reshape             the operator's weight
 *   DequantizeLinear(scales, axis)                    what the layer reads
 *
 * All of it is in operator set 13 and needs no 4-bit tensor type, so that older engines run it as well.
 */
import { attribute, elementTypes, type Graph, type Node, Tensor, type Value } from "@cupel/onnx";
import { inOperatorLayout, type Layer } from "../layer.ts";
import type { QuantisedWeights, WeightBits } from "../weights/quantised-weights.ts";

/** A code's bits as planes of 4, 2 or 1 bits, low bits first: each width divides a byte. */
const planesOf: Record<Exclude<WeightBits, 8>, readonly (1 | 2 | 4)[]> = {
  6: [4, 2],
  5: [4, 1],
  4: [4],
  3: [2, 1],
  2: [2],
};

/** Constants several layers share, by name, made on first use. */
export interface SharedConstants {
  get(name: string, make: () => Tensor): Value;
}

export function sharedConstants(graph: Graph): SharedConstants {
  const held = new Map<string, Value>();
  return {
    get(name, make) {
      const found = held.get(name) ?? graph.addConstant(name, make());
      held.set(name, found);
      return found;
    },
  };
}

/** Makes the nodes before `layer.node` and returns the float weight they stand for. */
export function emitWeights(
  graph: Graph,
  layer: Layer,
  weights: QuantisedWeights,
  shared: SharedConstants,
): Value {
  const anchor = layer.node;
  const base = layer.weight.name;
  const integers =
    weights.bits === 8
      ? graph.addConstant(`${base}.q`, Tensor.int8(layer.weight.constant!.dims, int8Weights(layer, weights)))
      : emitUnpacking(graph, anchor, layer, weights, shared);
  const scales = graph.addConstant(`${base}.s`, Tensor.float32([layer.rows], weights.scales));
  // Dense kernels want the zero point written out; convolutions take its absence for zero.
  const zeroPoint = layer.node.is("Conv")
    ? []
    : [shared.get(`zeros.${layer.rows}`, () => Tensor.int8([layer.rows], new Int8Array(layer.rows)))];
  return graph.insertBefore(anchor, {
    opType: "DequantizeLinear",
    inputs: [integers, scales, ...zeroPoint],
    outputs: [graph.uniqueName(`${base}.dq`)],
    attributes: { axis: attribute.int(layer.axis) },
  }).output;
}

function int8Weights(layer: Layer, weights: QuantisedWeights): Int8Array {
  return inOperatorLayout(
    layer,
    Int8Array.from(weights.codes, (code) => weights.levels[code]!),
  );
}

function emitUnpacking(
  graph: Graph,
  anchor: Node,
  layer: Layer,
  weights: QuantisedWeights,
  shared: SharedConstants,
): Value {
  const base = layer.weight.name;
  const dims = layer.weight.constant!.dims;
  const insert = (opType: string, inputs: Value[], attributes = {}) =>
    graph.insertBefore(anchor, {
      opType,
      name: "",
      inputs,
      outputs: [graph.uniqueName(`${base}.u`)],
      attributes,
    }).output;
  const toInt32 = (value: Value) => insert("Cast", [value], { to: attribute.int(elementTypes.int32.code) });
  const reshape = (value: Value, shape: readonly number[]) =>
    insert("Reshape", [
      value,
      shared.get(`shape.${shape.join("x")}`, () => Tensor.int64([shape.length], shape)),
    ]);

  const bits = weights.bits as Exclude<WeightBits, 8>;
  // Blocks multiply rows; only then are the codes kept in row order instead of the operator's.
  const inRows = weights.blocks !== null || layer.axis === 0;
  const codes = inRows ? weights.codes : inOperatorLayout(layer, weights.codes);
  let offset = 0;
  let sum: Value | null = null;
  for (const width of planesOf[bits]) {
    const plane = packPlane(codes, offset, width);
    const bytes = graph.addConstant(`${base}.p${offset}`, Tensor.uint8([plane.length, 1], plane));
    const perByte = 8 / width;
    const shifts = shared.get(`shifts.${width}`, () =>
      Tensor.uint8(
        [1, perByte],
        Array.from({ length: perByte }, (_, i) => i * width),
      ),
    );
    const modulus = shared.get(`modulus.${width}`, () => Tensor.uint8([], [2 ** width]));
    const shifted = insert("BitShift", [bytes, shifts], { direction: attribute.string("RIGHT") });
    let part = toInt32(insert("Mod", [shifted, modulus]));
    if (planesOf[bits].length > 1) part = reshape(part, [-1]);
    if (offset > 0) {
      part = insert("Mul", [part, shared.get(`times.${2 ** offset}`, () => Tensor.int32([], [2 ** offset]))]);
    }
    sum = sum ? insert("Add", [sum, part]) : part;
    offset += width;
  }
  if (codes.length % 8 !== 0) {
    const end = Tensor.int64([1], [codes.length]);
    const zero = shared.get("zero", () => Tensor.int64([1], [0]));
    sum = insert("Slice", [reshape(sum!, [-1]), zero, graph.addConstant(`${base}.end`, end), zero]);
  }
  const levels = weights.uniform
    ? shared.get(`levels.${bits}`, () => Tensor.int8([weights.levels.length], weights.levels))
    : graph.addConstant(`${base}.l`, Tensor.int8([weights.levels.length], weights.levels));
  const values = insert("Gather", [levels, sum!]);
  if (!weights.blocks) return reshape(values, dims);
  const multiplied = multiplyBlocks(values);
  if (layer.axis === 0) return reshape(multiplied, dims);
  return insert("Transpose", [reshape(multiplied, [layer.rows, layer.columns])], {
    perm: attribute.ints([1, 0]),
  });

  function multiplyBlocks(value: Value): Value {
    const { size, multipliers } = weights.blocks!;
    const perRow = multipliers.length / weights.rows;
    const stored = graph.addConstant(`${base}.m`, Tensor.uint8([weights.rows, perRow, 1], multipliers));
    const blocked = toInt32(reshape(value, [weights.rows, perRow, size]));
    const product = insert("Mul", [blocked, toInt32(stored)]);
    return insert("Cast", [product], { to: attribute.int(elementTypes.int8.code) });
  }
}

/** Bits [offset, offset + width) of every code, packed with the first code in the low bits. */
function packPlane(codes: Uint8Array, offset: number, width: 1 | 2 | 4): Uint8Array {
  const perByte = 8 / width;
  // Whole bytes for the widest packing, so that all planes unpack to the same count.
  const plane = new Uint8Array((Math.ceil(codes.length / 8) * 8) / perByte);
  const mask = 2 ** width - 1;
  for (let i = 0; i < codes.length; i++) {
    plane[Math.floor(i / perByte)]! |= ((codes[i]! >> offset) & mask) << ((i % perByte) * width);
  }
  return plane;
}
