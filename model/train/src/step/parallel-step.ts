/**
 * A training step in two graphs, for several replicas of a network that share a batch: each replica computes
 * loss and gradients of its share, and one update takes the averages of what they report.
 *
 * Shares are equal and losses are means, so the mean of the replicas' gradients is the gradient of the whole
 * batch. Only batch normalisation sees a difference: each replica normalises with the statistics of its own
 * share, and the running statistics are the averages of theirs.
 */
import type { Dims, Model, Value } from "@cupel/onnx";
import { gradientName } from "../differentiate.ts";
import { trainErrors } from "../errors.ts";
import { foldNetwork } from "./folded-network.ts";
import { emitForwardBackward } from "./forward-backward.ts";
import { declareScale } from "./loss-scaling.ts";
import { StateTable, type StateTensor } from "./state-table.ts";
import { StepState } from "./step-state.ts";
import { classesOf, emitterBeside, fixBatch, withValues } from "./training-network.ts";
import { countOf, finishGraph, type TrainingPlan, type TrainingStepOptions } from "./training-step.ts";
import { emitUpdate } from "./update.ts";

export interface ParallelStepOptions extends TrainingStepOptions {
  /** Into how many equal shares each batch is divided. */
  readonly replicas: number;
}

/** An output of the replicas' graph that the update takes the average of. */
export interface Report {
  readonly name: string;
  readonly dims: Dims;
}

export interface ParallelStep extends TrainingPlan {
  /** Outputs: the reports. */
  readonly replica: Model;
  /** Inputs of the replicas' graph that are brought up to date after each step: the part of the state they read. */
  readonly held: readonly StateTensor[];
  readonly reports: readonly Report[];
  /** Inputs beside state: `reportName` of each report and replica. Outputs: as of `TrainingStep`. */
  readonly update: Model;
}

/** The update's input for what one replica reports. */
export const reportName = (name: string, replica: number): string => `${name}/replica${replica}`;

/** @throws TRAINING_CONFIG_INVALID also when the batch cannot be divided; those of `compileStep` */
export function compileParallelStep(network: Model, options: ParallelStepOptions): ParallelStep {
  const { batch, replicas } = options;
  if (!Number.isInteger(replicas) || replicas < 1 || batch % replicas !== 0) {
    throw trainErrors.error(
      "TRAINING_CONFIG_INVALID",
      `A batch of ${batch} images cannot be divided among ${replicas} replicas: their shares must be equal.`,
    );
  }
  const folded = foldNetwork(network, options);
  const source = fixBatch(folded, { ...options, batch: batch / replicas }, options.loss);
  const emit = emitterBeside(source);
  const table = new StateTable(emit);
  const state = new StepState(source, folded, emit, table, options);
  const declareScaleIn = (table: StateTable) =>
    options.precision === "mixed" ? declareScale(table, options.lossScaling ?? {}) : null;
  const scale = declareScaleIn(table);
  const { loss, correct, gradients } = emitForwardBackward(emit, source, state, {
    loss: options.loss,
    scale: scale?.current ?? null,
  });
  const report = (name: string, value: Value) => emit.node("Identity", [value], {}, [name])[0]!;
  const scalars = { loss: report("loss", loss), correct: correct && report("correct", correct) };
  const parameters = table.parameters.map(({ name }, index) => report(gradientName(name), gradients[index]!));
  const statistics = table.outputs();
  const outputs = [scalars.loss, scalars.correct, ...parameters, ...statistics].filter(
    (value) => value !== null,
  );
  emit.model.graph.outputs.push(...outputs);

  const update = emitterBeside(source);
  const kept = new StateTable(update);
  const combine = (how: "Mean" | "Sum", { name, shape }: Value): Value =>
    update.op(
      how,
      Array.from({ length: replicas }, (_, replica) =>
        update.input(reportName(name, replica), "float32", shape as Dims),
      ),
    );
  for (const parameter of table.parameters) kept.declareParameter(parameter);
  for (const [index, tensor] of table.tensors.filter(({ role }) => role === "statistic").entries()) {
    kept.declare(tensor).advance(combine("Mean", statistics[index]!));
  }
  const averages = {
    loss: combine("Mean", scalars.loss),
    correct: scalars.correct && combine("Sum", scalars.correct),
    gradients: parameters.map((gradient) => combine("Mean", gradient)),
  };
  emitUpdate(update, kept, averages, declareScaleIn(kept), options);

  const finished = finishGraph(emit.model, options);
  finishGraph(update.model, {});
  return {
    replica: emit.model,
    held: table.tensors,
    reports: outputs.map((value) => ({ name: value.name, dims: emit.dims(value) })),
    update: update.model,
    notes: [...folded.notes, ...finished],
    state: kept.tensors,
    batch,
    classes: classesOf(source, options.loss),
    parameters: countOf(kept),
    counts: state.counts,
    exportModel: (values) => withValues(folded.model, state.layouts, values),
  };
}
