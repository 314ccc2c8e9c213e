/**
 * Optimisers as graphs: from a parameter and its gradient to the next parameter. Moments are state of the
 * step, like the parameters themselves; the learning rate is a feed, so that a schedule needs no new graph.
 */
import { own } from "@cupel/base";
import type { Emitter, Value } from "@cupel/onnx";
import { trainErrors } from "../errors.ts";
import type { StateVariable } from "./state-table.ts";

export type Optimiser =
  /**
   * v = momentum v + g + weightDecay w; w -= learningRate v (or learningRate (g + momentum v) with `nesterov`), as in PyTorch.
   * Defaults: momentum 0.9, weightDecay 0, nesterov false.
   */
  | {
      readonly kind: "sgd";
      readonly momentum?: number;
      readonly weightDecay?: number;
      readonly nesterov?: boolean;
    }
  /**
   * Loshchilov and Hutter 2019: Adam with decoupled weight decay. Defaults: beta1 0.9,
   * beta2 0.999, epsilon 1e-8, weightDecay 0.01.
   */
  | {
      readonly kind: "adamw";
      readonly beta1?: number;
      readonly beta2?: number;
      readonly epsilon?: number;
      readonly weightDecay?: number;
    };

export interface Update {
  readonly parameter: Value;
  readonly gradient: Value;
  /** Whether weight decay applies: to weights, not to offsets and normalisation. */
  readonly decays: boolean;
  /** Declares a moment of the parameter's shape that starts at 0; to be advanced once. */
  moment(name: string): StateVariable;
}

export interface UpdateRule {
  /** @returns the next parameter */
  update(update: Update): Value;
}

/** @param learningRate scalar; @param step scalar, 1 for the first step. @throws TRAINING_CONFIG_INVALID */
export function updateRule(
  emit: Emitter,
  optimiser: Optimiser,
  learningRate: Value,
  step: Value,
): UpdateRule {
  checkOptimiser(optimiser);
  return optimiser.kind === "sgd"
    ? sgd(emit, optimiser, learningRate)
    : adamW(emit, optimiser, learningRate, step);
}

function sgd(emit: Emitter, options: Extract<Optimiser, { kind: "sgd" }>, learningRate: Value): UpdateRule {
  const { momentum = 0.9, weightDecay = 0, nesterov = false } = options;
  return {
    update({ parameter, gradient, decays, moment }) {
      const g = decays && weightDecay > 0 ? emit.add(gradient, emit.mul(parameter, weightDecay)) : gradient;
      if (momentum === 0) return emit.sub(parameter, emit.mul(g, learningRate));
      const velocity = moment("momentum");
      const next = emit.add(emit.mul(velocity.current, momentum), g);
      velocity.advance(next);
      const direction = nesterov ? emit.add(g, emit.mul(next, momentum)) : next;
      return emit.sub(parameter, emit.mul(direction, learningRate));
    },
  };
}

function adamW(
  emit: Emitter,
  options: Extract<Optimiser, { kind: "adamw" }>,
  learningRate: Value,
  step: Value,
): UpdateRule {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = options;
  const correction = (beta: number) => emit.sub(1, emit.op("Pow", [emit.scalar(beta), step]));
  // learningRate m1 / (sqrt(m2 / c2) + epsilon) / c1, with the scalars combined.
  const stride = emit.div(learningRate, correction(beta1));
  const root = emit.op("Sqrt", [correction(beta2)]);
  const kept = emit.sub(1, emit.mul(learningRate, weightDecay));
  return {
    update({ parameter, gradient, decays, moment }) {
      const [first, second] = [moment("moment1"), moment("moment2")];
      const blend = (old: Value, beta: number, fresh: Value) =>
        emit.add(emit.mul(old, beta), emit.mul(fresh, 1 - beta));
      const m1 = blend(first.current, beta1, gradient);
      const m2 = blend(second.current, beta2, emit.mul(gradient, gradient));
      first.advance(m1);
      second.advance(m2);
      const scale = emit.add(emit.div(emit.op("Sqrt", [m2]), root), epsilon);
      const start = decays && weightDecay > 0 ? emit.mul(parameter, kept) : parameter;
      return emit.sub(start, emit.mul(emit.div(m1, scale), stride));
    },
  };
}

/** The factor that brings the gradients' common Euclidean norm down to `most`, and that norm (Pascanu et al. 2013). */
export function emitClipping(
  emit: Emitter,
  gradients: readonly Value[],
  most: number,
): { readonly factor: Value; readonly norm: Value } {
  if (!(most > 0)) throw invalid(`clipNorm ${most} is not above 0`);
  const squares = gradients.map((gradient) =>
    emit.reduce(
      "ReduceSum",
      emit.mul(gradient, gradient),
      emit.dims(gradient).map((_, axis) => axis),
      false,
    ),
  );
  const norm = emit.op("Sqrt", [emit.op("Sum", squares)]);
  return { norm, factor: emit.op("Min", [emit.scalar(1), emit.div(most, emit.add(norm, 1e-6))]) };
}

/** From the first number to below the second. */
const ranges: Readonly<Record<string, readonly [least: number, limit: number]>> = {
  momentum: [0, 1],
  weightDecay: [0, 1],
  beta1: [0, 1],
  beta2: [0, 1],
  epsilon: [0, 1],
};

function checkOptimiser(optimiser: Optimiser): void {
  if (optimiser.kind !== "sgd" && optimiser.kind !== "adamw") {
    throw invalid(`there is no optimiser "${(optimiser as { kind: string }).kind}"; there are sgd and adamw`);
  }
  if (optimiser.kind === "sgd" && optimiser.nesterov && optimiser.momentum === 0) {
    throw invalid("nesterov needs a momentum above 0");
  }
  for (const [name, value] of Object.entries(optimiser)) {
    const range = own(ranges, name);
    if (range && !(typeof value === "number" && value >= range[0] && value < range[1])) {
      throw invalid(`${name} ${value} is not at least ${range[0]} and below ${range[1]}`);
    }
  }
}

function invalid(reason: string) {
  return trainErrors.error("TRAINING_CONFIG_INVALID", `The optimiser cannot be used: ${reason}.`);
}
