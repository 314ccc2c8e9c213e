/**
 * A training step that is loaded and can be run: the compiled graph in a session of its own thread, with
 * everything it changes kept there from step to step.
 */
import { own, setOwn } from "@cupel/base";
import { encodeModel, type Model } from "@cupel/onnx";
import {
  type EngineRun,
  type EngineTuning,
  type Feeds,
  type InferenceSession,
  openStatefulSession,
  type SessionOptions,
  type StateBinding,
  type TensorData,
} from "@cupel/runtime";
import { visionErrors } from "@cupel/vision";
import { trainErrors } from "../errors.ts";
import { labelsName, targetName, teacherName } from "../step/loss.ts";
import { leastScale } from "../step/loss-scaling.ts";
import type { StateTensor } from "../step/state-table.ts";
import { compileStep, type TrainingPlan, type TrainingStepOptions } from "../step/training-step.ts";
import { learningRateName, stepName } from "../step/update.ts";

export interface TrainerOptions extends TrainingStepOptions, EngineTuning {
  readonly signal?: AbortSignal | undefined;
  /** What sessions are opened with, such as a profiler's `open`. Default: `openStatefulSession` of @cupel/runtime. */
  readonly open?: typeof openStatefulSession | undefined;
}

export interface StepBatch {
  /** By name of the network's input, each of the batch size the step was compiled for. */
  readonly inputs: Feeds;
  /** Class indices from 0, for losses over classes. */
  readonly labels?: Int32Array | undefined;
  /** What the output should be, for "mse"; in the output's shape. */
  readonly target?: Float32Array | undefined;
  /** The teacher's logits, for "distillation"; in the output's shape. */
  readonly teacher?: Float32Array | undefined;
}

export interface StepResult {
  /** Mean over the batch, before the update. Where the step was skipped it may be NaN or infinite: leave it out of means. */
  readonly loss: number;
  /** Right predictions in the batch, before the update; null for losses without classes. */
  readonly correct: number | null;
  /** Euclidean norm of the gradients before clipping; null when not clipping. Not finite where the step was skipped. */
  readonly norm: number | null;
  /** Whether something overflowed in mixed precision, so that the step changed nothing but the loss scale. */
  readonly skipped: boolean;
  /** What this step multiplied its loss by; null but in mixed precision. */
  readonly lossScale: number | null;
  /** Milliseconds in the engine. */
  readonly engineMs: number;
}

/** Everything that training changes: enough to resume it. */
export interface TrainerState {
  /** Steps done. */
  readonly steps: number;
  /** By name of the state tensor. */
  readonly values: Readonly<Record<string, Float32Array>>;
}

export interface Trainer extends AsyncDisposable {
  readonly compiled: TrainingPlan;
  /** Steps done. */
  readonly steps: number;
  /**
   * One step.
   * @throws LABELS_MISMATCH for a label that is no class; LOSS_NOT_FINITE, after which the state is not to be used; THREAD_CRASHED; those of `InferenceSession.run`
   */
  step(batch: StepBatch, learningRate: number): Promise<StepResult>;
  save(): Promise<TrainerState>;
  /** @throws CHECKPOINT_INVALID, INPUT_SHAPE_MISMATCH when it is the state of another training */
  restore(state: TrainerState): Promise<void>;
  /** The network as trained so far. */
  exportModel(): Promise<Model>;
  close(): Promise<void>;
}

/** @throws those of `compileStep` and `openStatefulSession` */
export async function openTrainer(network: Model, options: TrainerOptions): Promise<Trainer> {
  const compiled = compileStep(network, options);
  const { open = openStatefulSession } = options;
  const session = await open(encodeModel(compiled.graph), {
    ...engineOf(options),
    transferState: true,
    state: compiled.state.map((tensor) => bindingOf(tensor, tensor.next)),
  });
  const inputs = dimsOf(session);
  return createTrainer(compiled, {
    run: (batch, learningRate, step) => session.timedRun(feedsOf(batch, learningRate, step, inputs)),
    readState: () => session.readState(),
    writeState: (values) => session.writeState(values),
    close: () => session.close(),
  });
}

/** Where a trainer's steps are computed: in one session, or in several. */
export interface StepEngine {
  /** Gives the scalars of `TrainingStep.outputs`. @param step counts from 1 */
  run(batch: StepBatch, learningRate: number, step: number): Promise<EngineRun>;
  readState(): Promise<Feeds>;
  writeState(values: Feeds): Promise<void>;
  close(): Promise<void>;
}

export function createTrainer(compiled: TrainingPlan, engine: StepEngine): Trainer {
  let steps = 0;
  const save = async (): Promise<TrainerState> => {
    const values = await engine.readState();
    return {
      steps,
      values: Object.fromEntries(
        Object.entries(values).map(([name, { data }]) => [name, data as Float32Array]),
      ),
    };
  };
  const close = () => engine.close();
  return {
    compiled,
    get steps() {
      return steps;
    },
    async step(batch, learningRate) {
      checkLabels(batch.labels, compiled.classes);
      // Counted when asked for, since several may be under way; one that fails was none.
      const step = ++steps;
      const run = await engine.run(batch, learningRate, step).catch((error: unknown) => {
        steps--;
        throw error;
      });
      const result = resultOf(run);
      assertGoesOn(result, step, learningRate);
      return result;
    },
    save,
    async restore(state) {
      const dims = new Map(compiled.state.map((tensor) => [tensor.name, tensor.dims]));
      checkNames(new Set(Object.keys(state.values)), new Set(dims.keys()));
      await engine.writeState(
        Object.fromEntries(
          Object.entries(state.values).map(([name, data]): [string, TensorData] => [
            name,
            { type: "float32", dims: dims.get(name)!, data },
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

/** The engine would take a label that is no class for none at all. */
function checkLabels(labels: Int32Array | undefined, classes: number | null): void {
  if (classes === null) return;
  const wrong = labels?.find((label) => label < 0 || label >= classes);
  if (wrong === undefined) return;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `The batch has the label ${wrong}, but the network has ${classes} classes: 0 to ${classes - 1}.`,
    { details: { label: wrong, classes } },
  );
}

function checkNames(given: ReadonlySet<string>, expected: ReadonlySet<string>): void {
  const [missing] = expected.difference(given);
  const [unknown] = given.difference(expected);
  if (missing === undefined && unknown === undefined) return;
  const what = missing === undefined ? `has "${unknown}", which this training has not` : `lacks "${missing}"`;
  throw trainErrors.error(
    "CHECKPOINT_INVALID",
    `The state ${what}. It belongs to another network, optimiser or choice of parameters.`,
  );
}

function resultOf({ outputs, engineMs }: EngineRun): StepResult {
  const scalar = (name: string) => {
    const output = own(outputs, name);
    return output ? Number(output.data[0]) : null;
  };
  return {
    loss: scalar("loss")!,
    correct: scalar("correct"),
    norm: scalar("norm"),
    skipped: scalar("skipped") === 1,
    lossScale: scalar("scale"),
    engineMs,
  };
}

/**
 * A skipped step changed nothing and the next one has a smaller loss scale, whatever its loss was. Only when
 * the scale cannot become smaller is an overflow a divergence.
 */
function assertGoesOn({ loss, skipped, lossScale }: StepResult, step: number, learningRate: number): void {
  const isLost = skipped ? lossScale! <= leastScale : !Number.isFinite(loss);
  if (!isLost) return;
  const what = skipped
    ? `Step ${step} overflows even without loss scaling (its loss is ${loss}).`
    : `The loss of step ${step} is ${loss}.`;
  throw trainErrors.error(
    "LOSS_NOT_FINITE",
    `${what} A lower learning rate, clipping the gradients, or a look at the data of this batch may help.`,
    { details: { step, learningRate } },
  );
}

/** What sessions of a training are opened with. */
export function engineOf(options: EngineTuning & Pick<SessionOptions, "signal">): SessionOptions {
  const { threads, optimization, executionProviders, configEntries, signal } = options;
  return { threads, optimization, executionProviders, configEntries, signal };
}

/** @param output what renews it; null for nothing */
export function bindingOf(
  { name, dims, initial }: Pick<StateTensor, "name" | "dims" | "initial">,
  output: string | null,
): StateBinding {
  // A copy to give away: the step's own stays, to start again from.
  return { input: name, output, initial: { type: "float32", dims, data: initial.slice() } };
}

export type InputDims = ReadonlyMap<string, readonly number[]>;

export function dimsOf({ inputs }: InferenceSession): InputDims {
  return new Map(inputs.map((input) => [input.name, input.dims.map(Number)]));
}

/** The inputs of the graph, by name; labels given to a loss without classes are left out. */
export function feedsOf(batch: StepBatch, learningRate: number, step: number, inputs: InputDims): Feeds {
  const given: Record<string, Float32Array | BigInt64Array | undefined> = {
    [labelsName]: batch.labels && BigInt64Array.from(batch.labels, BigInt),
    [targetName]: batch.target,
    [teacherName]: batch.teacher,
    [learningRateName]: Float32Array.of(learningRate),
    [stepName]: Float32Array.of(step),
  };
  const feeds: Record<string, TensorData> = { ...batch.inputs };
  for (const [name, data] of Object.entries(given)) {
    const dims = inputs.get(name);
    if (dims && data) {
      setOwn(feeds, name, { type: data instanceof BigInt64Array ? "int64" : "float32", dims, data });
    }
  }
  return feeds;
}
