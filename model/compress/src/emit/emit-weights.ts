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
import { attribute, bytesOf, type Emitter, Tensor, type Value } from "@cupel/onnx";
import { inOperatorLayout, type Layer } from "../layer.ts";
import type { QuantisedWeights, WeightBits } from "../weights/quantised-weights.ts";
import { packedLengths, packSymbols, symbolForms } from "./pack-symbols.ts";

/** Makes the nodes before `layer.node` and returns the float weight they stand for. */
export function emitWeights(emit: Emitter, layer: Layer, weights: QuantisedWeights): Value {
  const { graph } = emit.model;
  const base = layer.weight.name;
  const integers = emitIntegers(emit, layer, weights);
  const scales = graph.addConstant(`${base}.s`, Tensor.float32([layer.rows], weights.scales));
  // Dense kernels want the zero point written out; convolutions take its absence for zero.
  const zeroPoint = layer.node.is("Conv")
    ? []
    : [emit.shared(`zeros.${layer.rows}`, () => Tensor.int8([layer.rows], new Int8Array(layer.rows)))];
  return emit
    .before(layer.node, `${base}.dq`)
    .op("DequantizeLinear", [integers, scales, ...zeroPoint], { axis: attribute.int(layer.axis) });
}

/**
 * As `emitWeights`, for a layer that runs in float: Cast -> Mul(scales). The engine folds these into float
 * weights when it loads the file; a DequantizeLinear it would compute at every run.
 */
export function emitWeightsAtRest(emit: Emitter, layer: Layer, weights: QuantisedWeights): Value {
  const base = layer.weight.name;
  const perRow = layer.weight.constant!.dims.map((_, axis) => (axis === layer.axis ? layer.rows : 1));
  const scales = emit.model.graph.addConstant(`${base}.s`, Tensor.float32(perRow, weights.scales));
  const before = emit.before(layer.node, `${base}.f`);
  return before.mul(before.cast(emitIntegers(emit, layer, weights), "float32"), scales);
}

/** The weights as int8, in the operator's own layout. */
function emitIntegers(emit: Emitter, layer: Layer, weights: QuantisedWeights): Value {
  const base = layer.weight.name;
  if (weights.bits !== 8)
    return emitUnpacking(emit.before(layer.node, `${base}.u`), layer, weights, weights.bits);
  const tensor = Tensor.made("int8", layer.weight.constant!.dims, () => bytesOf(int8Weights(layer, weights)));
  return emit.model.graph.addConstant(`${base}.q`, tensor);
}

function int8Weights(layer: Layer, { codes, levels }: QuantisedWeights): Int8Array {
  const values = new Int8Array(codes.length);
  for (let i = 0; i < codes.length; i++) values[i] = levels[codes[i]!]!;
  return inOperatorLayout(layer, values);
}

const reshape = (to: Emitter, value: Value, shape: readonly number[]): Value =>
  to.op("Reshape", [value, to.shared(`shape.${shape.join("x")}`, () => Tensor.int64([shape.length], shape))]);

const int32 = (to: Emitter, value: number): Value =>
  to.shared(`int.${value}`, () => Tensor.int32([], [value]));

/** @param to writes before the layer */
function emitUnpacking(
  to: Emitter,
  layer: Layer,
  weights: QuantisedWeights,
  bits: Exclude<WeightBits, 8>,
): Value {
  const { graph } = to.model;
  const base = layer.weight.name;
  const dims = layer.weight.constant!.dims;
  const form = symbolForms[bits];
  // Blocks multiply rows; only then are the codes kept in row order instead of the operator's.
  const inRows = weights.blocks !== null || layer.axis === 0;
  // Packed when they are written: a search makes many models of which it wants nothing but the size.
  const packed = () => packSymbols(inRows ? weights.codes : inOperatorLayout(layer, weights.codes), bits);
  const codes = weights.rows * weights.columns;
  const { low, high } = packedLengths(codes, bits);

  const lowBytes = Tensor.made("uint8", [low], () => packed().low);
  let symbols = to.cast(graph.addConstant(`${base}.p`, lowBytes), "int32");
  if (form.highBits !== 0) {
    const highBytes = Tensor.made("uint8", [high], () => packed().high);
    const fields = to.cast(graph.addConstant(`${base}.h`, highBytes), "int32");
    const parts = to.op("Gather", [highParts(to, form.highBits), fields]);
    symbols = to.op("Add", [symbols, reshape(to, parts, [-1])]);
  }
  let values = to.op("Gather", [levelTable(to, weights, bits, base), symbols]);
  if (low * form.codes !== codes) {
    const end = graph.addConstant(`${base}.end`, Tensor.int64([1], [codes]));
    const zero = to.shared("zero", () => Tensor.int64([1], [0]));
    values = to.op("Slice", [reshape(to, values, [-1]), zero, end, zero]);
  }
  if (!weights.blocks) return reshape(to, values, dims);

  const { size, multipliers } = weights.blocks;
  const perRow = multipliers.length / weights.rows;
  const stored = graph.addConstant(`${base}.m`, Tensor.uint8([weights.rows, perRow, 1], multipliers));
  const blocked = to.cast(reshape(to, values, [weights.rows, perRow, size]), "int32");
  const product = to.cast(to.op("Mul", [blocked, to.cast(stored, "int32")]), "int8");
  if (layer.axis === 0) return reshape(to, product, dims);
  if (layer.kernelSize === 1 && dims.length === 2)
    return to.op("Transpose", [reshape(to, product, [layer.rows, layer.columns])], {
      perm: attribute.ints([1, 0]),
    });
  const channels = [layer.rows, layer.columns / layer.kernelSize, layer.kernelSize];
  const turned = to.op("Transpose", [reshape(to, product, channels)], { perm: attribute.ints([1, 0, 2]) });
  return reshape(to, turned, dims);
}

/** What every symbol decodes to, [symbols, codes], int8. Even levels are the same for all layers. */
function levelTable(
  to: Emitter,
  weights: QuantisedWeights,
  bits: Exclude<WeightBits, 8>,
  base: string,
): Value {
  const { codes, highBits } = symbolForms[bits];
  const codesOf = to.computed(`codes.${bits}`, () => bitFields(to, 2 ** (8 + highBits), bits, codes));
  const tensor = Tensor.int8([weights.levels.length], weights.levels);
  if (!weights.uniform) return to.op("Gather", [to.model.graph.addConstant(`${base}.l`, tensor), codesOf]);
  return to.computed(`table.${bits}`, () =>
    to.op("Gather", [to.shared(`levels.${bits}`, () => tensor), codesOf]),
  );
}

/** The high parts in every byte there can be, times 256. */
function highParts(to: Emitter, highBits: 2 | 4): Value {
  return to.computed(`high.${highBits}`, () =>
    to.op("Mul", [bitFields(to, 256, highBits, 8 / highBits), int32(to, 256)]),
  );
}

/** Of every number below `count`, its first `fields` fields of `width` bits, low first: [count, fields], int32. */
function bitFields(to: Emitter, count: number, width: number, fields: number): Value {
  const numbers = to.op("Range", [int32(to, 0), int32(to, count), int32(to, 1)]);
  const shifts = to.shared(`shifts.${width}x${fields}`, () => {
    const offsets = Uint32Array.from({ length: fields }, (_, i) => i * width);
    return Tensor.fromBytes("uint32", [1, fields], new Uint8Array(offsets.buffer));
  });
  const shifted = to.op("BitShift", [reshape(to, to.cast(numbers, "uint32"), [-1, 1]), shifts], {
    direction: attribute.string("RIGHT"),
  });
  return to.op("Mod", [to.cast(shifted, "int32"), int32(to, 2 ** width)]);
}
