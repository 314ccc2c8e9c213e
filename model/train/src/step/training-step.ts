/**
 * One training step as one graph: forward, loss, backward, clipping and the optimiser's update, compiled
 * from a network for one batch size. Everything that training changes is state of the step (see
 * `StateBinding` of @cupel/runtime); a run takes a batch and a learning rate and gives a loss.
 */
import { elementCount } from "@cupel/base";
import { checkModel, type Model, removeDeadCode, runPasses } from "@cupel/onnx";
import { foldNetwork, type ParameterOptions } from "./folded-network.ts";
import { emitForwardBackward } from "./forward-backward.ts";
import type { Loss } from "./loss.ts";
import { declareScale, type LossScaling } from "./loss-scaling.ts";
import { mixedPrecision } from "./mixed-precision.ts";
import type { Optimiser } from "./optimiser.ts";
import { StateTable, type StateTensor } from "./state-table.ts";
import { type ParameterCounts, StepState } from "./step-state.ts";
import { classesOf, emitterBeside, fixBatch, withValues } from "./training-network.ts";
import { emitUpdate } from "./update.ts";

export type { StateRole, StateTensor } from "./state-table.ts";

export interface TrainingStepOptions extends ParameterOptions {
  /** Images a step. */
  readonly batch: number;
  /**
   * Sizes of an image in the order of the input's axes, such as [3, 224, 224], at which the network is trained where it
   * leaves them open. Default: none, and such a network is refused.
   */
  readonly imageDims?: readonly number[] | undefined;
  /** Default cross-entropy without smoothing. */
  readonly loss?: Loss;
  /** Default SGD with momentum 0.9. */
  readonly optimiser?: Optimiser;
  /** Greatest Euclidean norm of all gradients together. Default: not clipped. */
  readonly clipNorm?: number;
  /**
   * "batch" trains with the statistics of each batch and keeps running ones, but in a BatchNormalization that is frozen; "frozen"
   * uses the running ones as they are in all. Default "batch".
   */
  readonly statistics?: "batch" | "frozen";
  /**
   * "mixed" computes matrix products and convolutions in float16 and all else in float32, with dynamic loss
   * scaling: a step that overflows changes nothing and is counted. Default "float32".
   */
  readonly precision?: "float32" | "mixed";
  /** For "mixed". */
  readonly lossScaling?: LossScaling;
}

/** What is trained and kept, in whichever graphs it is computed. */
export interface TrainingPlan {
  readonly state: readonly StateTensor[];
  /** Images a step. */
  readonly batch: number;
  /** How many classes labels may name; null for losses without labels. */
  readonly classes: number | null;
  /** How many parameters are trained, element by element. */
  readonly parameters: number;
  /** Which float constants are trained, frozen and constant. */
  readonly counts: ParameterCounts;
  /** Sentences for the log. */
  readonly notes: readonly string[];
  /**
   * The network with trained values: parameters and statistics, by name, as they lie in the step. One older than
   * operator set 18 comes out in that.
   */
  exportModel(values: Readonly<Record<string, Float32Array>>): Model;
}

export interface TrainingStep extends TrainingPlan {
  /** Outputs: `outputs`, then the state. */
  readonly graph: Model;
  /** Scalars: `loss`; `correct` for losses over classes; `norm` when clipping; `skipped` and `scale` in mixed precision. */
  readonly outputs: readonly string[];
}

/**
 * @throws GRADIENT_UNSUPPORTED naming the operator; SHAPE_NOT_STATIC; OUTPUT_UNSUPPORTED; TRAINING_CONFIG_INVALID;
 * those of `upgradeOpset` and `inferShapes`
 */
export function compileStep(network: Model, options: TrainingStepOptions): TrainingStep {
  const folded = foldNetwork(network, options);
  const source = fixBatch(folded, options, options.loss);
  const emit = emitterBeside(source);
  const table = new StateTable(emit);
  const state = new StepState(source, folded, emit, table, options);
  const scale = options.precision === "mixed" ? declareScale(table, options.lossScaling ?? {}) : null;
  const evaluated = emitForwardBackward(emit, source, state, {
    loss: options.loss,
    scale: scale?.current ?? null,
  });
  const outputs = emitUpdate(emit, table, evaluated, scale, options);
  const graph = emit.model;
  return {
    graph,
    notes: [...folded.notes, ...finishGraph(graph, options)],
    state: table.tensors,
    batch: options.batch,
    classes: classesOf(source, options.loss),
    outputs,
    parameters: countOf(table),
    counts: state.counts,
    exportModel: (values) => withValues(folded.model, state.layouts, values),
  };
}

/** @returns what the passes have to say */
export function finishGraph(
  graph: Model,
  { precision }: Pick<TrainingStepOptions, "precision">,
): readonly string[] {
  const notes = precision === "mixed" ? runPasses(graph, [mixedPrecision]).notes : [];
  runPasses(graph, [removeDeadCode]);
  checkModel(graph);
  return notes;
}

export function countOf(table: StateTable): number {
  return table.parameters.reduce((total, { dims }) => total + elementCount(dims), 0);
}
