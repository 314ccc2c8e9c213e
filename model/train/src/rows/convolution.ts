/**
 * Convolution of rows: gather the rows under the window, multiply by the weight. Three matrix products a
 * layer and step, and no data movement but gathers of whole rows.
 *
 * The weight is stored as the products want it, not as ONNX does, so that no step transposes more than
 * needed. With C channels, M filters, T taps, P output and Q input pixels:
 *
 * | form | when | stored | forward | gradient of the input | gradient of the weight |
 * | --- | --- | --- | --- | --- | --- |
 * | pointwise | 1x1, stride 1 | [C, M] | X [P,C] W | dY Wt | Xt dY |
 * | unit | stride 1 | [C, T, M] | gather(X) [P,TC] W' | G = gather(dY) [Q,TM], G Wt | Xt G |
 * | strided | else, or no gradient of the input | [T, C, M] | gather(X) W | dY Wt, then sum what each pixel got | gather(X)t dY |
 *
 * One gather of the incoming gradient serves both gradients of the unit form; W' moves whole rows only.
 */
import { attribute, type Value } from "@cupel/onnx";
import { type Dims, type Emitter, product } from "../emitter.ts";
import { type ConvShape, isPointwise } from "../gradient/convolution-shape.ts";
import { gatherRows } from "./gather-rows.ts";
import { adjointRows, scatterRows, windowRows } from "./row-index.ts";

interface Form {
  /** The axes of ONNX's weight [M, C, T] in the order in which they are stored. */
  readonly storage: readonly [number, number, number];
  forward(emit: Emitter, shape: ConvShape, x: Value, w: Value): Value;
  backward(emit: Emitter, shape: ConvShape, x: Value, w: Value, dy: Value, wants: Wants): Gradients;
}

interface Wants {
  readonly x: boolean;
  readonly w: boolean;
}

interface Gradients {
  readonly x: Value | null;
  readonly w: Value | null;
}

const forms = {
  pointwise: {
    storage: [1, 2, 0],
    forward: (emit, shape, x, w) => emit.matMul(x, matrix(emit, shape, w)),
    backward: (emit, shape, x, w, dy, wants) => ({
      x: wants.x ? timesTransposed(emit, dy, matrix(emit, shape, w)) : null,
      w: wants.w ? emit.reshape(transposedTimes(emit, x, dy), emit.dims(w)) : null,
    }),
  },
  unit: {
    storage: [1, 2, 0],
    forward: (emit, shape, x, w) =>
      emit.matMul(
        gathered(emit, shape, x),
        emit.reshape(emit.transpose(w, [1, 0, 2]), [product(shape.kernel) * shape.channels, shape.filters]),
      ),
    backward(emit, shape, x, w, dy, wants) {
      const spread = gatherRows(emit, dy, `adjoint ${keyOf(shape)}`, () => adjointRows(shape, shape.batch));
      const flat = emit.reshape(w, [shape.channels, product(shape.kernel) * shape.filters]);
      return {
        x: wants.x ? timesTransposed(emit, spread, flat) : null,
        w: wants.w ? emit.reshape(transposedTimes(emit, x, spread), emit.dims(w)) : null,
      };
    },
  },
  strided: {
    storage: [2, 1, 0],
    forward: (emit, shape, x, w) => emit.matMul(gathered(emit, shape, x), matrix(emit, shape, w)),
    backward(emit, shape, x, w, dy, wants) {
      const taps = product(shape.kernel);
      const made = shape.batch * product(shape.outputs);
      let gradient: Value | null = null;
      if (wants.x) {
        const pairs = timesTransposed(emit, dy, matrix(emit, shape, w));
        const scattered = gatherRows(
          emit,
          emit.reshape(pairs, [made * taps, shape.channels]),
          `scatter ${keyOf(shape)}`,
          () => scatterRows(shape, shape.batch),
        );
        const inputs = shape.batch * product(shape.sizes);
        const each = emit.reshape(scattered, [
          inputs,
          emit.dims(scattered)[1]! / shape.channels,
          shape.channels,
        ]);
        gradient = emit.reduce("ReduceSum", each, [1], false);
      }
      return {
        x: gradient,
        w: wants.w ? emit.reshape(transposedTimes(emit, gathered(emit, shape, x), dy), emit.dims(w)) : null,
      };
    },
  },
} as const satisfies Record<string, Form>;

/** How the weight of a convolution lies in the step: ONNX's [M, C, taps] with its axes permuted, as `dims`. */
export interface WeightStorage {
  readonly form: keyof typeof forms;
  readonly permutation: readonly [number, number, number];
  readonly dims: Dims;
}

/** @param leads whether anything trained lies before the convolution, so that its input needs a gradient */
export function weightStorage(shape: ConvShape, leads: boolean): WeightStorage {
  const isUnit = shape.strides.every((stride) => stride === 1) && leads;
  const form = isPointwise(shape) ? "pointwise" : isUnit ? "unit" : "strided";
  const permutation = forms[form].storage;
  const sizes = [shape.filters, shape.channels, product(shape.kernel)];
  return { form, permutation, dims: permutation.map((axis) => sizes[axis]!) };
}

/** Rows [P, M] from rows `x` [Q, C] and a weight as `storage` says. One group. */
export function rowsConvolution(
  emit: Emitter,
  shape: ConvShape,
  storage: WeightStorage,
  x: Value,
  w: Value,
): Value {
  const form: Form = forms[storage.form];
  return emit.composite([x, w], () => ({
    outputs: [form.forward(emit, shape, x, w)],
    backward([dy], wants) {
      const gradients = form.backward(emit, shape, x, w, dy!, { x: wants(0), w: wants(1) });
      return [gradients.x, gradients.w];
    },
  }))[0]!;
}

function gathered(emit: Emitter, shape: ConvShape, x: Value): Value {
  return gatherRows(emit, x, `window ${keyOf(shape)}`, () => windowRows(shape, shape.batch));
}

/** The weight of a form that stores the filters last, as one matrix. */
function matrix(emit: Emitter, shape: ConvShape, w: Value): Value {
  return emit.reshape(w, [shape.channels * product(shape.kernel), shape.filters]);
}

const timesTransposed = (emit: Emitter, a: Value, b: Value): Value =>
  emit.op("Gemm", [a, b], { transB: attribute.int(1) });

const transposedTimes = (emit: Emitter, a: Value, b: Value): Value =>
  emit.op("Gemm", [a, b], { transA: attribute.int(1) });

/** What the indices depend on; the channels are not among it. */
const keyOf = ({ batch, kernel, strides, dilations, begins, sizes, outputs }: ConvShape): string =>
  [batch, kernel, strides, dilations, begins, sizes, outputs].join("/");
