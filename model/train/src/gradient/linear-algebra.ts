/** Gradients of matrix products. With Y = A B: dA = dY B^T and dB = A^T dY. */
import { elementCount } from "@cupel/base";
import { attribute, type Dims, type Emitter, type Value } from "@cupel/onnx";
import { type GradientRule, type GradientTable, incomingOf } from "../gradient-rule.ts";

/** Y = alpha A' B' + beta C, where A' and B' are A and B, transposed if the node says so. */
const gemm: GradientRule = (context) => {
  const { emit, node, input, wants } = context;
  const [a, b, dy] = [input(0), input(1), incomingOf(context)];
  const [transA, transB] = [node.int("transA", 0) === 1, node.int("transB", 0) === 1];
  const alpha = node.float("alpha", 1);
  const beta = node.float("beta", 1);
  const times = (left: Value, right: Value, leftTurned: boolean, rightTurned: boolean) =>
    emit.op("Gemm", [left, right], {
      alpha: attribute.float(alpha),
      transA: attribute.int(leftTurned ? 1 : 0),
      transB: attribute.int(rightTurned ? 1 : 0),
    });
  return [
    wants(0) ? (transA ? times(b, dy, transB, true) : times(dy, b, false, !transB)) : null,
    wants(1) ? (transB ? times(dy, a, true, transA) : times(a, dy, !transA, false)) : null,
    wants(2) ? scaled(emit, emit.sumTo(dy, emit.dims(input(2))), beta) : null,
  ];
};

const scaled = (emit: Emitter, value: Value, factor: number): Value =>
  factor === 1 ? value : emit.mul(value, factor);

/**
 * As numpy.matmul: a vector is a matrix of one row (left) or one column (right), and axes in front
 * broadcast. A right factor without such axes multiplies all rows alike: then everything is one product of
 * two matrices, and nothing is left to sum over the batch.
 */
const matMul: GradientRule = (context) => {
  const { emit, input, wants } = context;
  const [aDims, bDims] = [emit.dims(input(0)), emit.dims(input(1))];
  const inner = aDims.at(-1)!;
  const bMatrix = bDims.length === 1 ? [inner, 1] : bDims;
  const isFlat = bMatrix.length === 2;
  const rows = elementCount(aDims.slice(0, -1));
  const aMatrix = isFlat ? [rows, inner] : aDims.length === 1 ? [1, inner] : aDims;
  const columns = bMatrix.at(-1)!;
  const batch = isFlat ? [] : emit.dims(context.output()).slice(0, batchRank(aDims, bDims));
  const a = emit.reshape(input(0), aMatrix);
  const b = emit.reshape(input(1), bMatrix);
  const dy = emit.reshape(incomingOf(context), [...batch, aMatrix.at(-2)!, columns]);
  const back = (gradient: Value, matrix: Dims, dims: Dims) =>
    emit.reshape(emit.sumTo(gradient, matrix), dims);
  return [
    wants(0) ? back(emit.matMul(dy, turned(emit, b)), aMatrix, aDims) : null,
    wants(1) ? back(emit.matMul(turned(emit, a), dy), bMatrix, bDims) : null,
  ];
};

/** How many axes in front of the matrices the product has. */
const batchRank = (a: Dims, b: Dims): number => Math.max(a.length, b.length) - 2;

/** The two last axes exchanged; the engine fuses it into the product. */
function turned(emit: Emitter, value: Value): Value {
  const rank = emit.dims(value).length;
  return emit.transpose(
    value,
    Array.from({ length: rank }, (_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis)),
  );
}

export const linearAlgebraGradients: GradientTable = { Gemm: gemm, MatMul: matMul };
