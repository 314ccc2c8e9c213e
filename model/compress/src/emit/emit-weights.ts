/**
 * Quantised weights as standard ONNX nodes that the engine folds into INT8 constants when it loads the
 * file. Under 8 bits the codes lie packed in symbols (see pack-symbols.ts), and one look-up decodes two or
 * four of them at once:
 *
 *   low bytes -> Cast (+ 256 * high parts)    the symbols
 *   Gather(levels, codes of every symbol)     the table: [symbols there can be, codes in one], int8
 *   Gather(table, symbols) -> Reshape         the operator's weight, int8
 *   DequantizeLinear(scales, axis)            what the layer reads
 *
 * The engine keeps what it folds until the whole graph is folded, so what lies between file and weight is
 * kept small: the only wide numbers are the symbols themselves. All of it is in operator set 13 and needs
 * no 4-bit tensor type, so that older engines run it as well.
 */
import { attribute, elementTypes, type Graph, type Node, Tensor, type Value } from "@cupel/onnx";
import { inOperatorLayout, type Layer } from "../layer.ts";
import type { QuantisedWeights, WeightBits } from "../weights/quantised-weights.ts";
import { packSymbols, symbolForms } from "./pack-symbols.ts";
import type { SharedValues } from "./shared-values.ts";

/** Makes the nodes before `layer.node` and returns the float weight they stand for. */
export function emitWeights(
  graph: Graph,
  layer: Layer,
  weights: QuantisedWeights,
  shared: SharedValues,
): Value {
  const base = layer.weight.name;
  const integers =
    weights.bits === 8
      ? graph.addConstant(`${base}.q`, Tensor.int8(layer.weight.constant!.dims, int8Weights(layer, weights)))
      : emitUnpacking(graph, layer, weights, weights.bits, shared);
  const scales = graph.addConstant(`${base}.s`, Tensor.float32([layer.rows], weights.scales));
  // Dense kernels want the zero point written out; convolutions take its absence for zero.
  const zeroPoint = layer.node.is("Conv")
    ? []
    : [shared.constant(`zeros.${layer.rows}`, () => Tensor.int8([layer.rows], new Int8Array(layer.rows)))];
  return graph.insertBefore(layer.node, {
    opType: "DequantizeLinear",
    inputs: [integers, scales, ...zeroPoint],
    outputs: [graph.uniqueName(`${base}.dq`)],
    attributes: { axis: attribute.int(layer.axis) },
  }).output;
}

function int8Weights(layer: Layer, { codes, levels }: QuantisedWeights): Int8Array {
  const values = new Int8Array(codes.length);
  for (let i = 0; i < codes.length; i++) values[i] = levels[codes[i]!]!;
  return inOperatorLayout(layer, values);
}

/** The few operators unpacking is made of, each inserted before the layer. */
function unpacker(graph: Graph, anchor: Node, base: string, shared: SharedValues) {
  const insert = (opType: string, inputs: Value[], attributes = {}): Value =>
    graph.insertBefore(anchor, {
      opType,
      name: "",
      inputs,
      outputs: [graph.uniqueName(`${base}.u`)],
      attributes,
    }).output;
  return {
    insert,
    cast: (value: Value, type: "int8" | "int32" | "uint32") =>
      insert("Cast", [value], { to: attribute.int(elementTypes[type].code) }),
    reshape: (value: Value, shape: readonly number[]) =>
      insert("Reshape", [
        value,
        shared.constant(`shape.${shape.join("x")}`, () => Tensor.int64([shape.length], shape)),
      ]),
    int32: (value: number) => shared.constant(`int.${value}`, () => Tensor.int32([], [value])),
  };
}

type Unpacker = ReturnType<typeof unpacker>;

function emitUnpacking(
  graph: Graph,
  layer: Layer,
  weights: QuantisedWeights,
  bits: Exclude<WeightBits, 8>,
  shared: SharedValues,
): Value {
  const base = layer.weight.name;
  const dims = layer.weight.constant!.dims;
  const to = unpacker(graph, layer.node, base, shared);
  const form = symbolForms[bits];
  // Blocks multiply rows; only then are the codes kept in row order instead of the operator's.
  const inRows = weights.blocks !== null || layer.axis === 0;
  const codes = inRows ? weights.codes : inOperatorLayout(layer, weights.codes);
  const { low, high } = packSymbols(codes, bits);

  let symbols = to.cast(graph.addConstant(`${base}.p`, Tensor.uint8([low.length], low)), "int32");
  if (form.highBits !== 0) {
    const packed = to.cast(graph.addConstant(`${base}.h`, Tensor.uint8([high.length], high)), "int32");
    const parts = to.insert("Gather", [highParts(to, form.highBits, shared), packed]);
    symbols = to.insert("Add", [symbols, to.reshape(parts, [-1])]);
  }
  let values = to.insert("Gather", [levelTable(graph, to, weights, bits, base, shared), symbols]);
  if (low.length * form.codes !== codes.length) {
    const end = graph.addConstant(`${base}.end`, Tensor.int64([1], [codes.length]));
    const zero = shared.constant("zero", () => Tensor.int64([1], [0]));
    values = to.insert("Slice", [to.reshape(values, [-1]), zero, end, zero]);
  }
  if (!weights.blocks) return to.reshape(values, dims);

  const { size, multipliers } = weights.blocks;
  const perRow = multipliers.length / weights.rows;
  const stored = graph.addConstant(`${base}.m`, Tensor.uint8([weights.rows, perRow, 1], multipliers));
  const blocked = to.cast(to.reshape(values, [weights.rows, perRow, size]), "int32");
  const product = to.cast(to.insert("Mul", [blocked, to.cast(stored, "int32")]), "int8");
  if (layer.axis === 0) return to.reshape(product, dims);
  return to.insert("Transpose", [to.reshape(product, [layer.rows, layer.columns])], {
    perm: attribute.ints([1, 0]),
  });
}

/** What every symbol decodes to, [symbols, codes], int8. Even levels are the same for all layers. */
function levelTable(
  graph: Graph,
  to: Unpacker,
  weights: QuantisedWeights,
  bits: Exclude<WeightBits, 8>,
  base: string,
  shared: SharedValues,
): Value {
  const { codes, highBits } = symbolForms[bits];
  const codesOf = shared.computed(`codes.${bits}`, () =>
    bitFields(to, 2 ** (8 + highBits), bits, codes, shared),
  );
  const tensor = Tensor.int8([weights.levels.length], weights.levels);
  if (!weights.uniform) return to.insert("Gather", [graph.addConstant(`${base}.l`, tensor), codesOf]);
  return shared.computed(`table.${bits}`, () =>
    to.insert("Gather", [shared.constant(`levels.${bits}`, () => tensor), codesOf]),
  );
}

/** The high parts in every byte there can be, times 256. */
function highParts(to: Unpacker, highBits: 2 | 4, shared: SharedValues): Value {
  return shared.computed(`high.${highBits}`, () =>
    to.insert("Mul", [bitFields(to, 256, highBits, 8 / highBits, shared), to.int32(256)]),
  );
}

/** Of every number below `count`, its first `fields` fields of `width` bits, low first: [count, fields], int32. */
function bitFields(to: Unpacker, count: number, width: number, fields: number, shared: SharedValues): Value {
  const numbers = to.insert("Range", [to.int32(0), to.int32(count), to.int32(1)]);
  const shifts = shared.constant(`shifts.${width}x${fields}`, () => {
    const offsets = Uint32Array.from({ length: fields }, (_, i) => i * width);
    return Tensor.fromBytes("uint32", [1, fields], new Uint8Array(offsets.buffer));
  });
  const shifted = to.insert("BitShift", [to.reshape(to.cast(numbers, "uint32"), [-1, 1]), shifts], {
    direction: attribute.string("RIGHT"),
  });
  return to.insert("Mod", [to.cast(shifted, "int32"), to.int32(2 ** width)]);
}
