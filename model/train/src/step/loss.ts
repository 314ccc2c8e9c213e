/** Losses as graphs: what a training step minimises, always a mean over the batch. */
import { attribute, type Dims, type ElementType, type Emitter, Tensor, type Value } from "@cupel/onnx";
import { predictErrors } from "@cupel/predict";
import { trainErrors } from "../errors.ts";

export type Loss =
  /**
   * Softmax and negative log likelihood of a class index. Label smoothing (Szegedy et al. 2016) takes
   * `smoothing` of the probability from the true class and spreads it over all. Default 0.
   */
  | { readonly kind: "cross-entropy"; readonly smoothing?: number }
  /** Mean of squared differences from a target of the shape of the output. */
  | { readonly kind: "mse" }
  /**
   * Hinton et al. 2015: `weight` (default 0.9) times T^2 KL(teacher || student), both softened by the temperature
   * T (default 4), the rest cross-entropy with the labels.
   */
  | { readonly kind: "distillation"; readonly temperature?: number; readonly weight?: number };

/** Whether the output is one number a class, to which a Softmax may give probabilities. */
export const isOverClasses = (loss: Loss = { kind: "cross-entropy" }): boolean => loss.kind !== "mse";

/** Names of the feeds of a step beside the inputs of the network. */
export const labelsName = "cupel.labels";
export const targetName = "cupel.target";
export const teacherName = "cupel.teacher";

export interface EmittedLoss {
  /** A scalar. */
  readonly loss: Value;
  /** How many predictions of the batch are right; null where there are no classes. */
  readonly correct: Value | null;
}

/** Declares the loss's own inputs and appends the loss of `output`. @throws TRAINING_CONFIG_INVALID */
export function emitLoss(emit: Emitter, output: Value, loss: Loss): EmittedLoss {
  if (!Object.hasOwn(emitters, loss.kind)) {
    throw invalid(`there is no loss "${loss.kind}"; there are ${Object.keys(emitters).join(", ")}`);
  }
  return emitters[loss.kind](emit, output, loss as never);
}

type LossEmitter<Kind extends Loss["kind"]> = (
  emit: Emitter,
  output: Value,
  loss: Extract<Loss, { kind: Kind }>,
) => EmittedLoss;

const emitters: { readonly [Kind in Loss["kind"]]: LossEmitter<Kind> } = {
  "cross-entropy": (emit, logits, { smoothing = 0 }) => {
    checkRange("smoothing", smoothing, 0, 1);
    const labels = labelsOf(emit, logits);
    return {
      loss: crossEntropy(emit, logits, labels, smoothing),
      correct: correctOf(emit, logits, labels),
    };
  },
  mse: (emit, output) => {
    const dims = emit.dims(output);
    const difference = emit.sub(output, emit.input(targetName, "float32", dims));
    return { loss: meanOf(emit, emit.mul(difference, difference), dims), correct: null };
  },
  distillation: (emit, logits, { temperature = 4, weight = 0.9 }) => {
    checkRange("weight", weight, 0, 1);
    if (!(temperature > 0)) throw invalid(`temperature ${temperature} is not above 0`);
    const labels = labelsOf(emit, logits);
    const dims = emit.dims(logits);
    const soften = (value: Value) => logSoftmax(emit, emit.mul(value, 1 / temperature));
    const teacher = soften(emit.input(teacherName, "float32", dims));
    const surprise = emit.sub(teacher, soften(logits));
    const divergence = emit.mul(emit.op("Exp", [teacher]), surprise);
    const soft = emit.mul(
      emit.reduce("ReduceSum", divergence, axesOf(dims), false),
      temperature ** 2 / dims[0]!,
    );
    const hard = crossEntropy(emit, logits, labels, 0);
    return {
      loss: emit.add(emit.mul(soft, weight), emit.mul(hard, 1 - weight)),
      correct: correctOf(emit, logits, labels),
    };
  },
};

const axesOf = (dims: Dims): number[] => dims.map((_, axis) => axis);

function meanOf(emit: Emitter, value: Value, dims: Dims): Value {
  return emit.reduce("ReduceMean", value, axesOf(dims), false);
}

function logSoftmax(emit: Emitter, logits: Value): Value {
  return emit.op("LogSoftmax", [logits], { axis: attribute.int(1) });
}

function labelsOf(emit: Emitter, logits: Value): Value {
  const dims = emit.dims(logits);
  if (dims.length !== 2 || dims[1]! < 2) {
    throw predictErrors.error(
      "OUTPUT_UNSUPPORTED",
      `The network's output "${logits.name}" has the shape [${dims}]; a loss over classes needs [batch, classes].`,
      { details: { output: logits.name, shape: dims } },
    );
  }
  return emit.input(labelsName, "int64" satisfies ElementType, [dims[0]!]);
}

function crossEntropy(emit: Emitter, logits: Value, labels: Value, smoothing: number): Value {
  const [batch, classes] = emit.dims(logits) as readonly [number, number];
  const spread = smoothing / classes;
  const target = emit.op("OneHot", [
    labels,
    emit.integers([classes]),
    emit.constant(Tensor.float32([2], [spread, 1 - smoothing + spread])),
  ]);
  const likelihood = emit.mul(target, logSoftmax(emit, logits));
  return emit.mul(emit.reduce("ReduceSum", likelihood, [0, 1], false), -1 / batch);
}

function correctOf(emit: Emitter, logits: Value, labels: Value): Value {
  const predicted = emit.op("ArgMax", [logits], { axis: attribute.int(1), keepdims: attribute.int(0) });
  const right = emit.cast(emit.op("Equal", [predicted, labels]), "float32");
  return emit.reduce("ReduceSum", right, [0], false);
}

function checkRange(name: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high)) throw invalid(`${name} ${value} is not in ${low}..${high}`);
}

function invalid(reason: string) {
  return trainErrors.error("TRAINING_CONFIG_INVALID", `The loss cannot be used: ${reason}.`);
}
