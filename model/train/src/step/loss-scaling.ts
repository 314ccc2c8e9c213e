/**
 * Dynamic loss scaling (Micikevicius et al. 2018, section 3.2), as state and nodes of the step.
 *
 * Gradients too small for float16 are lost on their way back. So the loss is multiplied by a scale before it
 * is differentiated, and the gradients are divided by it before they are used. The scale is as large
 * as possible: it doubles after `growthInterval` good steps, and a step in which anything overflowed halves it and
 * changes nothing else.
 */
import type { Emitter, Value } from "@cupel/onnx";
import { trainErrors } from "../errors.ts";
import type { ForwardBackward } from "./forward-backward.ts";
import type { StateTable, StateVariable } from "./state-table.ts";

export interface LossScaling {
  /** The first scale, from `leastScale` to `mostScale`. Default 65536. */
  readonly initial?: number;
  /** Good steps in a row after which the scale doubles. Default 2000. */
  readonly growthInterval?: number;
}

/** Below it, there is nothing left to gain: what overflows then does so by itself. */
export const leastScale = 1;
/** Above it, gradients of zero would let the scale itself overflow. Apex has the same. */
export const mostScale = 2 ** 24;

/** Names of the state; the last two count steps. */
export const scaleName = "cupel.loss_scale";
const goodName = "cupel.good_steps";
const skippedName = "cupel.skipped_steps";

/** Declares the scale. @throws TRAINING_CONFIG_INVALID */
export function declareScale(table: StateTable, { initial = 65536 }: LossScaling): StateVariable {
  if (!(initial >= leastScale && initial <= mostScale)) {
    throw invalid(`its initial scale ${initial} is not in ${leastScale}..${mostScale}`);
  }
  return declareScalar(table, scaleName, initial);
}

export interface Unscaled {
  readonly gradients: readonly Value[];
  /** A truth value: nothing overflowed, the step counts. */
  readonly isGood: Value;
  /** How many steps were skipped before this one: those the optimiser has not seen. */
  readonly skippedBefore: Value;
}

/** Divides gradients by the scale, looks whether all went well, and advances the scale. @throws TRAINING_CONFIG_INVALID */
export function emitUnscaling(
  emit: Emitter,
  table: StateTable,
  scale: StateVariable,
  { loss, gradients }: ForwardBackward,
  { growthInterval = 2000 }: LossScaling,
): Unscaled {
  if (!Number.isInteger(growthInterval) || growthInterval < 1) {
    throw invalid(`its growth interval ${growthInterval} is no whole number above 0`);
  }
  const isGood = emitFinite(emit, [loss, ...gradients]);
  const [good, skipped] = [goodName, skippedName].map((name) => declareScalar(table, name, 0));
  const run = emit.add(good!.current, 1);
  const grows = emit.op("GreaterOrEqual", [run, emit.scalar(growthInterval)]);
  const grown = emit.op("Min", [emit.mul(scale.current, 2), emit.scalar(mostScale)]);
  const shrunk = emit.op("Max", [emit.mul(scale.current, 0.5), emit.scalar(leastScale)]);
  scale.advance(emit.where(isGood, emit.where(grows, grown, scale.current), shrunk));
  good!.advance(emit.where(emit.op("And", [isGood, emit.op("Not", [grows])]), run, 0));
  skipped!.advance(emit.add(skipped!.current, emit.sub(1, emit.cast(isGood, "float32"))));
  const inverse = emit.op("Reciprocal", [scale.current]);
  return {
    gradients: gradients.map((gradient) => emit.mul(gradient, inverse)),
    isGood,
    skippedBefore: skipped!.current,
  };
}

/** Whether no element is NaN or infinite: x - x is 0 for finite numbers only, and the sum of it cannot overflow. */
function emitFinite(emit: Emitter, values: readonly Value[]): Value {
  const sums = values.map((value) =>
    emit.reduce(
      "ReduceSum",
      emit.sub(value, value),
      emit.dims(value).map((_, axis) => axis),
      false,
    ),
  );
  return emit.op("Equal", [emit.op("Sum", sums), emit.scalar(0)]);
}

function declareScalar(table: StateTable, name: string, initial: number): StateVariable {
  return table.declare({ name, role: "scaling", dims: [], initial: Float32Array.of(initial) });
}

function invalid(reason: string) {
  return trainErrors.error("TRAINING_CONFIG_INVALID", `Loss scaling cannot be used: ${reason}.`);
}
