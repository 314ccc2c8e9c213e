/**
 * A training step that is loaded and can be run: the compiled graph in a session of its own thread, with
 * everything it changes kept there from step to step.
 */
import { encodeModel, type Model } from "@cupel/onnx";
import { type EngineTuning, type Feeds, openSession, type TensorData } from "@cupel/runtime";
import { trainErrors } from "./errors.ts";
import { labelsName, targetName, teacherName } from "./loss.ts";
import {
  compileStep,
  rateName,
  stepName,
  type TrainingStep,
  type TrainingStepOptions,
} from "./training-step.ts";

export interface TrainerOptions extends TrainingStepOptions, EngineTuning {
  readonly signal?: AbortSignal | undefined;
}

export interface TrainingBatch {
  /** By name of the network's input, each of the batch size the step was compiled for. */
  readonly inputs: Feeds;
  /** Class indices, for losses over classes. */
  readonly labels?: Int32Array | undefined;
  /** What the output should be, for "mse"; in the output's shape. */
  readonly target?: Float32Array | undefined;
  /** The teacher's logits, for "distillation"; in the output's shape. */
  readonly teacher?: Float32Array | undefined;
}

export interface StepResult {
  /** Mean over the batch, before the update. */
  readonly loss: number;
  /** Right predictions in the batch, before the update; null for losses without classes. */
  readonly correct: number | null;
  /** Euclidean norm of the gradients before clipping; null when not clipping. */
  readonly norm: number | null;
  /** Milliseconds in the engine. */
  readonly engineMs: number;
}

/** Everything a training changed: enough to go on as if it had not stopped. */
export interface TrainerState {
  /** Steps done. */
  readonly steps: number;
  /** By name of the state tensor. */
  readonly values: Readonly<Record<string, Float32Array>>;
}

export interface Trainer extends AsyncDisposable {
  readonly compiled: TrainingStep;
  /** Steps done. */
  readonly steps: number;
  /** One step. @throws LOSS_NOT_FINITE, after which the state is not to be used; those of `Session.run` */
  step(batch: TrainingBatch, rate: number): Promise<StepResult>;
  save(): Promise<TrainerState>;
  /** @throws STATE_INVALID, INPUT_SHAPE_MISMATCH when it is the state of another step */
  restore(state: TrainerState): Promise<void>;
  /** The network as trained so far. */
  exportModel(): Promise<Model>;
  close(): Promise<void>;
}

/** @throws those of `compileStep` and `openSession` */
export async function openTrainer(network: Model, options: TrainerOptions): Promise<Trainer> {
  const compiled = compileStep(network, options);
  const session = await openSession(encodeModel(compiled.graph), {
    threads: options.threads,
    optimization: options.optimization,
    executionProviders: options.executionProviders,
    configEntries: options.configEntries,
    signal: options.signal,
    transferState: true,
    state: compiled.state.map(({ name, next, dims, initial }) => ({
      input: name,
      output: next,
      // A copy to give away: the step's own stays, to start again from.
      initial: { type: "float32", dims, data: initial.slice() },
    })),
  });
  const dimsOf = new Map(session.inputs.map((input) => [input.name, input.dims.map(Number)]));
  let steps = 0;

  const save = async (): Promise<TrainerState> => {
    const values = await session.readState();
    return {
      steps,
      values: Object.fromEntries(
        Object.entries(values).map(([name, { data }]) => [name, data as Float32Array]),
      ),
    };
  };
  const close = () => session.close();
  return {
    compiled,
    get steps() {
      return steps;
    },
    async step(batch, rate) {
      const { outputs, engineMs } = await session.timedRun(feedsOf(batch, rate, steps + 1, dimsOf));
      steps++;
      const scalar = (name: string) => (outputs[name] ? Number(outputs[name].data[0]) : null);
      const loss = scalar("loss")!;
      if (!Number.isFinite(loss)) {
        throw trainErrors.error(
          "LOSS_NOT_FINITE",
          `The loss of step ${steps} is ${loss}. A lower learning rate, clipping the gradients, or a look at the data of this batch may help.`,
          { details: { step: steps, rate } },
        );
      }
      return { loss, correct: scalar("correct"), norm: scalar("norm"), engineMs };
    },
    save,
    async restore(state) {
      const dims = new Map(compiled.state.map((tensor) => [tensor.name, tensor.dims]));
      await session.writeState(
        Object.fromEntries(
          Object.entries(state.values).map(([name, data]): [string, TensorData] => [
            name,
            { type: "float32", dims: dims.get(name) ?? [data.length], data },
          ]),
        ),
      );
      steps = state.steps;
    },
    async exportModel() {
      return compiled.exportModel((await save()).values);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What the graph asks for, by name; labels given to a loss without classes are left out. */
function feedsOf(
  batch: TrainingBatch,
  rate: number,
  step: number,
  dimsOf: ReadonlyMap<string, readonly number[]>,
): Feeds {
  const given: Record<string, Float32Array | BigInt64Array | undefined> = {
    [labelsName]: batch.labels && BigInt64Array.from(batch.labels, BigInt),
    [targetName]: batch.target,
    [teacherName]: batch.teacher,
    [rateName]: Float32Array.of(rate),
    [stepName]: Float32Array.of(step),
  };
  const feeds: Record<string, TensorData> = { ...batch.inputs };
  for (const [name, data] of Object.entries(given)) {
    const dims = dimsOf.get(name);
    if (dims && data) feeds[name] = { type: data instanceof BigInt64Array ? "int64" : "float32", dims, data };
  }
  return feeds;
}
