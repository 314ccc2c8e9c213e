/**
 * Which inputs an operator needs, by the published schemas of the operator sets from 7 on
 * (https://onnx.ai/onnx/operators/). One that a schema calls variadic may be left out at the end, never blank between or
 * behind others: the engine does not check that, and crashes.
 */
import { operatorOf } from "./operators.ts";

/** Positions that a schema of some operator set calls optional. */
const optionalInputs: ReadonlyMap<string, readonly number[]> = new Map([
  ["Attention", [3, 4, 5, 6]],
  ["CausalConvWithState", [2, 3]],
  ["Clip", [1, 2]],
  ["Conv", [2]],
  ["ConvInteger", [2, 3]],
  ["ConvTranspose", [2]],
  ["DFT", [1, 2]],
  ["DeformConv", [3, 4]],
  ["DequantizeLinear", [2]],
  ["Dropout", [1, 2]],
  ["GRU", [3, 4, 5]],
  ["Gemm", [2]],
  ["LSTM", [3, 4, 5, 6, 7]],
  ["LayerNormalization", [2]],
  ["LinearAttention", [3, 4, 5]],
  ["Loop", [0, 1]],
  ["MatMulInteger", [2, 3]],
  ["MaxUnpool", [2]],
  ["NegativeLogLikelihoodLoss", [2]],
  ["NonMaxSuppression", [2, 3, 4]],
  ["Optional", [0]],
  ["OptionalHasElement", [0]],
  ["Pad", [2, 3]],
  ["QLinearConv", [8]],
  ["QuantizeLinear", [2]],
  ["RNN", [3, 4, 5]],
  ["ReduceL1", [1]],
  ["ReduceL2", [1]],
  ["ReduceLogSum", [1]],
  ["ReduceLogSumExp", [1]],
  ["ReduceMax", [1]],
  ["ReduceMean", [1]],
  ["ReduceMin", [1]],
  ["ReduceProd", [1]],
  ["ReduceSum", [1]],
  ["ReduceSumSquare", [1]],
  ["Resize", [1, 2, 3]],
  ["RotaryEmbedding", [3]],
  ["STFT", [2, 3]],
  ["Scan", [0]],
  ["SequenceErase", [1]],
  ["SequenceInsert", [2]],
  ["Slice", [3, 4]],
  ["SoftmaxCrossEntropyLoss", [2]],
  ["Split", [1]],
  ["SplitToSequence", [1]],
  ["Squeeze", [1]],
  ["TensorScatter", [2]],
  ["Trilu", [1]],
]);

/** All that they have, of the operators that the shape table has no row of. */
const needAll: ReadonlySet<string> = new Set([
  "AffineGrid",
  "BitCast",
  "CenterCropPad",
  "Col2Im",
  "ConcatFromSequence",
  "CumProd",
  "Det",
  "ImageDecoder",
  "MelWeightMatrix",
  "OptionalGetElement",
  "RegexFullMatch",
  "SequenceAt",
  "SequenceConstruct",
  "SequenceLength",
  "SequenceMap",
  "StringConcat",
  "StringNormalizer",
  "StringSplit",
  "SwiGLU",
  "TfIdfVectorizer",
  "Unique",
]);

/** Must that input be given? Of an operator that ONNX does not have nothing is known. @param opType of the standard domain */
export function needsInput(opType: string, input: number): boolean {
  const optional = optionalInputs.get(opType);
  if (optional) return !optional.includes(input);
  return operatorOf(opType) !== undefined || needAll.has(opType);
}

/** Where one of the inputs was an attribute once: how many there must be, by the operator set that changed it. */
const leastInputs: ReadonlyMap<string, readonly (readonly [opset: number, count: number])[]> = new Map([
  ["Pad", [[11, 2]]],
  ["Reshape", [[5, 2]]],
  [
    "Resize",
    [
      [13, 1],
      [0, 2],
    ],
  ],
  ["Slice", [[10, 3]]],
  ["TopK", [[10, 2]]],
  ["Unsqueeze", [[13, 2]]],
  ["Upsample", [[9, 2]]],
]);

/** Of the operator sets that know the operator, or of the first that did; 0 where the arity of its row says it. */
export function leastCount(opType: string, opset: number): number {
  return leastInputs.get(opType)?.find(([since]) => opset >= since)?.[1] ?? 0;
}
