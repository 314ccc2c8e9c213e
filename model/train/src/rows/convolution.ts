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
 * | narrow | stride 1, C <= 128 | [T, M, C] | gather(X) [P,TC] W' | G = gather(dY) [Q,TM], G W | Gt X |
 * | wide | stride 1 | [C, T, M] | gather(X) W' | G Wt | Xt G |
 * | strided | else, or no gradient of the input | [T, C, M] | gather(X) W | dY Wt, then sum what each pixel got | gather(X)t dY |
 *
 * One gather of the incoming gradient serves both gradients of the forms for stride 1. W' is the weight with two
 * axes exchanged, small in the narrow form and whole rows in the wide one. The two differ in which factor of the
 * weight's gradient is the longer: on one thread with AVX-512 the engine was half as fast again with that on the
 * left at 64 channels, 40 % at 128, and no different from 256 on.
 */
import { elementCount } from "@cupel/base";
import { attribute, type Dims, type Emitter, type Value } from "@cupel/onnx";
import { composite } from "../composite.ts";
import { type ConvShape, isPointwise } from "../gradient/convolution-shape.ts";
import { gatherRows } from "./gather-rows.ts";
import { adjointRows, scatterRows, windowRows } from "./row-index.ts";

interface Form {
  /** The axes of ONNX's weight [M, C, T] in the order in which they are stored. */
  readonly layout: readonly [number, number, number];
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
    layout: [1, 2, 0],
    forward: (emit, shape, x, w) => emit.matMul(x, matrix(emit, shape, w)),
    backward: (emit, shape, x, w, dy, wants) => ({
      x: wants.x ? timesTransposed(emit, dy, matrix(emit, shape, w)) : null,
      w: wants.w ? emit.reshape(transposedTimes(emit, x, dy), emit.dims(w)) : null,
    }),
  },
  narrow: {
    layout: [2, 0, 1],
    forward: (emit, shape, x, w) =>
      emit.matMul(gathered(emit, shape, x), exchanged(emit, shape, w, [0, 2, 1])),
    backward(emit, shape, x, w, dy, wants) {
      const spread = spreadGradient(emit, shape, dy);
      const flat = emit.reshape(w, [elementCount(shape.kernel) * shape.filters, shape.channels]);
      return {
        x: wants.x ? emit.matMul(spread, flat) : null,
        w: wants.w ? emit.reshape(transposedTimes(emit, spread, x), emit.dims(w)) : null,
      };
    },
  },
  wide: {
    layout: [1, 2, 0],
    forward: (emit, shape, x, w) =>
      emit.matMul(gathered(emit, shape, x), exchanged(emit, shape, w, [1, 0, 2])),
    backward(emit, shape, x, w, dy, wants) {
      const spread = spreadGradient(emit, shape, dy);
      const flat = emit.reshape(w, [shape.channels, elementCount(shape.kernel) * shape.filters]);
      return {
        x: wants.x ? timesTransposed(emit, spread, flat) : null,
        w: wants.w ? emit.reshape(transposedTimes(emit, x, spread), emit.dims(w)) : null,
      };
    },
  },
  strided: {
    layout: [2, 1, 0],
    forward: (emit, shape, x, w) => emit.matMul(gathered(emit, shape, x), matrix(emit, shape, w)),
    backward(emit, shape, x, w, dy, wants) {
      const taps = elementCount(shape.kernel);
      const made = shape.batch * elementCount(shape.outputs);
      let gradient: Value | null = null;
      if (wants.x) {
        const pairs = timesTransposed(emit, dy, matrix(emit, shape, w));
        const inputs = shape.batch * elementCount(shape.sizes);
        const scattered = gatherRows(
          emit,
          emit.reshape(pairs, [made * taps, shape.channels]),
          inputs,
          `scatter ${keyOf(shape)}`,
          () => scatterRows(shape, shape.batch),
        );
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
  const unitForm = shape.channels <= 128 ? "narrow" : "wide";
  const form = isPointwise(shape) ? "pointwise" : isUnit ? unitForm : "strided";
  const permutation = forms[form].layout;
  const sizes = [shape.filters, shape.channels, elementCount(shape.kernel)];
  return { form, permutation, dims: permutation.map((axis) => sizes[axis]!) };
}

/** A weight that is computed in ONNX's order, such as a rounded one, as `layout` says. */
export function storedWeight(
  emit: Emitter,
  shape: ConvShape,
  { permutation, dims }: WeightStorage,
  w: Value,
): Value {
  const axes = [shape.filters, shape.channels, elementCount(shape.kernel)];
  return emit.reshape(emit.transpose(emit.reshape(w, axes), permutation), dims);
}

/** Rows [P, M] from rows `x` [Q, C] and a weight as `layout` says. One group. */
export function rowsConvolution(
  emit: Emitter,
  shape: ConvShape,
  layout: WeightStorage,
  x: Value,
  w: Value,
): Value {
  const form: Form = forms[layout.form];
  return composite(emit, [x, w], () => ({
    outputs: [form.forward(emit, shape, x, w)],
    backward([dy], wants) {
      const gradients = form.backward(emit, shape, x, w, dy!, { x: wants(0), w: wants(1) });
      return [gradients.x, gradients.w];
    },
  }))[0]!;
}

/** For each pixel of the input, the gradients of the outputs it had a part in: `[Q, T M]`. */
function spreadGradient(emit: Emitter, shape: ConvShape, dy: Value): Value {
  const made = shape.batch * elementCount(shape.sizes);
  return gatherRows(emit, dy, made, `adjoint ${keyOf(shape)}`, () => adjointRows(shape, shape.batch));
}

/** The weight as the matrix [T C, M] of the forward pass. */
function exchanged(emit: Emitter, shape: ConvShape, w: Value, permutation: readonly number[]): Value {
  const rows = elementCount(shape.kernel) * shape.channels;
  return emit.reshape(emit.transpose(w, permutation), [rows, shape.filters]);
}

function gathered(emit: Emitter, shape: ConvShape, x: Value): Value {
  const made = shape.batch * elementCount(shape.outputs);
  return gatherRows(emit, x, made, `window ${keyOf(shape)}`, () => windowRows(shape, shape.batch));
}

/** The weight of a form that stores the filters last, as one matrix. */
function matrix(emit: Emitter, shape: ConvShape, w: Value): Value {
  return emit.reshape(w, [shape.channels * elementCount(shape.kernel), shape.filters]);
}

const timesTransposed = (emit: Emitter, a: Value, b: Value): Value =>
  emit.op("Gemm", [a, b], { transB: attribute.int(1) });

const transposedTimes = (emit: Emitter, a: Value, b: Value): Value =>
  emit.op("Gemm", [a, b], { transA: attribute.int(1) });

/** What the indices depend on; the channels are not among it. */
const keyOf = ({ batch, kernel, strides, dilations, begins, sizes, outputs }: ConvShape): string =>
  [batch, kernel, strides, dilations, begins, sizes, outputs].join("/");
