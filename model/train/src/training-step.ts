/**
 * One training step as one graph: forward, loss, backward, clipping and the optimiser's update, compiled
 * from a network for one batch size. Everything that training changes is state of the step (see
 * `StateBinding` of @cupel/runtime); a run takes a batch and a learning rate and gives a loss.
 */
import {
  checkModel,
  cloneModel,
  foldConstants,
  inferShapes,
  Model,
  removeDeadCode,
  Tensor,
  type Value,
} from "@cupel/onnx";
import { appendGradients } from "./differentiate.ts";
import { type Dims, Emitter } from "./emitter.ts";
import { trainErrors } from "./errors.ts";
import { emitLoss, type Loss } from "./loss.ts";
import { emitClipping, type Optimiser, updateRule } from "./optimiser.ts";
import { toRows } from "./rows/to-rows.ts";
import { StepState } from "./step-state.ts";
import { outOfStorage, type Storage } from "./storage.ts";

export interface TrainingStepOptions {
  /** Pictures a step. */
  readonly batch: number;
  /** Default cross-entropy without smoothing. */
  readonly loss?: Loss;
  /** Default SGD with momentum 0.9. */
  readonly optimiser?: Optimiser;
  /** Greatest Euclidean norm of all gradients together. Default: not clipped. */
  readonly clipNorm?: number;
  /** Which parameters to train, by name; the others stay as they are. Default: all. */
  readonly trainable?: (name: string) => boolean;
  /** "batch" trains with the statistics of each batch and keeps running ones; "frozen" uses the running ones as they are. Default "batch". */
  readonly statistics?: "batch" | "frozen";
}

export type StateRole = "parameter" | "statistic" | "moment";

export interface StateTensor {
  /** Name of the graph's input; for parameters and statistics the name of the constant in the network. */
  readonly name: string;
  /** Name of the graph's output that replaces it. */
  readonly next: string;
  readonly role: StateRole;
  /** As it lies in the step. */
  readonly dims: Dims;
  readonly initial: Float32Array;
}

export interface TrainingStep {
  /** Outputs: `loss`, `correct` for losses over classes, `norm` when clipping, then the state. */
  readonly graph: Model;
  readonly state: readonly StateTensor[];
  readonly batch: number;
  /** Scalars that are left when the state is. */
  readonly outputs: readonly string[];
  /** How many parameters are trained, element by element. */
  readonly parameters: number;
  /** The network with trained values: parameters and statistics, by name, as they lie in the step. */
  exportModel(values: Readonly<Record<string, Float32Array>>): Model;
}

export const rateName = "cupel.learning_rate";
/** A float32 scalar that counts from 1. */
export const stepName = "cupel.step";

/**
 * @throws GRADIENT_UNSUPPORTED naming the operator; SHAPE_NOT_STATIC; CLASSES_MISMATCH; TRAINING_CONFIG_INVALID;
 * those of `upgradeOpset` and `inferShapes`
 */
export function compileStep(network: Model, options: TrainingStepOptions): TrainingStep {
  const folded = fold(network);
  const source = prepare(folded, options.batch);
  const graph = new Model({ irVersion: Math.max(8, source.irVersion), opsets: new Map(source.opsets) });
  const emit = new Emitter(graph);
  const state = new StepState(source, emit, options);

  const inputs = new Map(
    source.graph.inputs.map((input) => [
      input,
      emit.input(input.name, emit.elementType(input), emit.dims(input)),
    ]),
  );
  const rate = emit.input(rateName, "float32", []);
  const step = emit.input(stepName, "float32", []);
  const [output] = toRows(source.graph, emit, inputs, state);
  const { loss, correct } = emitLoss(emit, output!.plain, options.loss ?? { kind: "cross-entropy" });
  const scalars: Record<string, Value | null> = { loss, correct };

  const parameters = state.parameters;
  if (parameters.length === 0) {
    throw trainErrors.error(
      "TRAINING_CONFIG_INVALID",
      "Nothing is trained: the network has no float parameter that was chosen.",
    );
  }
  const gradients = appendGradients(
    emit,
    loss,
    parameters.map(({ value }) => value),
  );
  const clipping = options.clipNorm === undefined ? null : emitClipping(emit, gradients, options.clipNorm);
  if (clipping) scalars.norm = clipping.norm;
  const rule = updateRule(emit, options.optimiser ?? { kind: "sgd" }, rate, step);
  parameters.forEach(({ value, decays, advance, moment }, index) => {
    const gradient = clipping ? emit.mul(gradients[index]!, clipping.factor) : gradients[index]!;
    advance(rule.update({ parameter: value, gradient, decays, moment }));
  });

  const outputs = Object.entries(scalars).flatMap(([name, value]) =>
    value ? emit.node("Identity", [value], {}, [name]) : [],
  );
  graph.graph.outputs.push(...outputs, ...state.outputs());
  removeDeadCode.run(graph);
  checkModel(graph);
  return {
    graph,
    state: state.tensors,
    batch: options.batch,
    outputs: outputs.map((value) => value.name),
    parameters: parameters.reduce(
      (total, { value }) => total + emit.dims(value).reduce((a, b) => a * b, 1),
      0,
    ),
    exportModel: (values) => exported(folded, state.storages, values),
  };
}

/** A copy without arithmetic on constants, so that what is trained is what layers read. */
function fold(network: Model): Model {
  const model = cloneModel(network);
  foldConstants.run(model);
  return model;
}

/** A copy with static shapes that ends in logits. */
function prepare(network: Model, batch: number): Model {
  if (!Number.isInteger(batch) || batch < 1) {
    throw trainErrors.error(
      "TRAINING_CONFIG_INVALID",
      `A batch of ${batch} pictures: it must be a whole number above 0.`,
    );
  }
  const model = cloneModel(network);
  inferShapes(model, {
    inputShapes: Object.fromEntries(
      model.graph.inputs.map((input) => [
        input.name,
        (input.shape ?? []).map((size, axis) => (axis === 0 ? batch : size)),
      ]),
    ),
  });
  foldConstants.run(model);
  inferShapes(model);
  // A loss takes logits: a Softmax that only makes probabilities of them is left out.
  const last = model.graph.outputs[0]?.producer;
  if (last?.is("Softmax") && last.output.uses.length === 0) model.graph.outputs[0] = last.input(0)!;
  return model;
}

function exported(
  network: Model,
  storages: ReadonlyMap<string, Storage>,
  values: Readonly<Record<string, Float32Array>>,
): Model {
  const model = cloneModel(network);
  for (const value of model.graph.initializers) {
    const trained = values[value.name];
    const storage = storages.get(value.name);
    if (!trained || !storage) continue;
    model.graph.setConstant(value, Tensor.float32(value.constant!.dims, outOfStorage(trained, storage)));
  }
  return model;
}
