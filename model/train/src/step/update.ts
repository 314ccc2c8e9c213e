/** The second half of a training step: unscaling, clipping, the optimiser. The first half is `forward-backward.ts`. */
import type { Emitter, Value } from "@cupel/onnx";
import type { ForwardBackward } from "./forward-backward.ts";
import { emitUnscaling, type LossScaling } from "./loss-scaling.ts";
import { emitClipping, type Optimiser, updateRule } from "./optimiser.ts";
import type { StateTable, StateVariable } from "./state-table.ts";

export interface UpdateOptions {
  readonly optimiser?: Optimiser | undefined;
  readonly clipNorm?: number | undefined;
  readonly lossScaling?: LossScaling | undefined;
}

export const learningRateName = "cupel.learning_rate";
/** A float32 scalar that counts from 1. */
export const stepName = "cupel.step";

/**
 * Advances the table's parameters and declares the graph's outputs: scalars, then the state.
 * @param scale of the loss, which the gradients are multiples of; null for 1
 * @returns the names of the scalars. @throws TRAINING_CONFIG_INVALID
 */
export function emitUpdate(
  emit: Emitter,
  table: StateTable,
  evaluated: ForwardBackward,
  scale: StateVariable | null,
  { optimiser = { kind: "sgd" }, clipNorm, lossScaling = {} }: UpdateOptions,
): string[] {
  const learningRate = emit.input(learningRateName, "float32", []);
  const given = emit.input(stepName, "float32", []);
  const scaling = scale && emitUnscaling(emit, table, scale, evaluated, lossScaling);
  const gradients = scaling?.gradients ?? evaluated.gradients;
  const clipping = clipNorm === undefined ? null : emitClipping(emit, gradients, clipNorm);
  // The optimiser corrects its moments by the steps it took.
  const step = scaling ? emit.sub(given, scaling.skippedBefore) : given;
  const rule = updateRule(emit, optimiser, learningRate, step);
  for (const [index, parameter] of table.parameters.entries()) {
    const gradient = clipping ? emit.mul(gradients[index]!, clipping.factor) : gradients[index]!;
    const { current, decays, moment } = parameter;
    parameter.advance(rule.update({ parameter: current, gradient, decays, moment }));
  }
  const scalars: Record<string, Value | null | undefined> = {
    loss: evaluated.loss,
    correct: evaluated.correct,
    norm: clipping?.norm,
    skipped: scaling && emit.sub(1, emit.cast(scaling.isGood, "float32")),
    scale: scale?.current,
  };
  const outputs = Object.entries(scalars).flatMap(([name, value]) =>
    value ? emit.node("Identity", [value], {}, [name]) : [],
  );
  emit.model.graph.outputs.push(...outputs, ...table.outputs(scaling?.isGood));
  return outputs.map((value) => value.name);
}
