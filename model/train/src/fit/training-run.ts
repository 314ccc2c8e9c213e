/**
 * The state of a training between its steps: the current epoch, the history, the best weights, the checkpoint.
 *
 * A checkpoint is pending until the step after it has had a finite loss. Weights can be finite although the
 * training has already diverged; the previous file is then the last good one.
 */

import type { FileLock, ProgressTask } from "@cupel/base";
import { own } from "@cupel/base";
import { encodeModel, type Model } from "@cupel/onnx";
import { crossEntropy, endsInSoftmax, evaluate } from "@cupel/predict";
import type { ImageSource, Loader, UnreadableImage } from "@cupel/vision";
import { trainErrors } from "../errors.ts";
import type { StepResult, Trainer, TrainerState } from "../trainer/trainer.ts";
import { type Checkpoint, type EpochInHand, type StateValues, writeCheckpoint } from "./checkpoint.ts";
import type { FitOptions } from "./fit-options.ts";
import { bestEpoch, type EpochMetrics, isExhausted } from "./history.ts";
import { type HistoryFiles, historyFilesIn } from "./history-files.ts";
import { learningRateAt } from "./schedule.ts";
import type { TrainingIdentity } from "./training-identity.ts";

export interface TrainingRunParts {
  readonly options: FitOptions;
  /** Of the checkpoint. */
  readonly lock: FileLock | null;
  readonly trainer: Trainer;
  readonly loader: Loader;
  readonly validation: ImageSource | null;
  /** Name of the network's input. */
  readonly input: string;
  /** Steps of the whole training. */
  readonly total: number;
  readonly identity: TrainingIdentity;
}

export class TrainingRun {
  readonly #parts: TrainingRunParts;
  readonly #files: HistoryFiles | null;
  readonly #unreadable = new Map<string, UnreadableImage>();
  #history: readonly EpochMetrics[] = [];
  #best: StateValues | null = null;
  #inHand = epochAt(0);
  #pending: Checkpoint | null = null;

  constructor(parts: TrainingRunParts) {
    this.#parts = parts;
    const { history, metric = "accuracy" } = parts.options;
    this.#files = history === undefined ? null : historyFilesIn(history, metric);
  }

  get history(): readonly EpochMetrics[] {
    return this.#history;
  }

  get unreadable(): readonly UnreadableImage[] {
    for (const image of this.#parts.loader.unreadable) this.#unreadable.set(image.id, image);
    return [...this.#unreadable.values()];
  }

  get steps(): number {
    return this.#parts.trainer.steps;
  }

  get isOver(): boolean {
    const { epochs, patience, metric = "accuracy" } = this.#parts.options;
    if (this.#history.length >= epochs) return true;
    return patience !== undefined && isExhausted(this.#history, metric, patience);
  }

  async restore({ state, inHand, history, best }: Checkpoint): Promise<void> {
    await this.#parts.trainer.restore(state);
    this.#inHand = inHand;
    this.#history = history;
    this.#best = best;
  }

  /** The batches of the epoch in hand that are left. */
  async trainEpoch(task: ProgressTask): Promise<void> {
    const { options, trainer, loader, input, total } = this.#parts;
    const { schedule, batch, epochs, checkpoint, onStep } = options;
    const { epoch, batches: from } = this.#inHand;
    let since = performance.now();
    for await (const { data, dims, labels } of loader.epoch(epoch, { from })) {
      const inputs = { [input]: { type: "float32" as const, dims, data } };
      const result = await trainer.step({ inputs, labels }, learningRateAt(schedule, trainer.steps, total));
      const now = performance.now();
      this.#inHand = stepped(this.#inHand, result, (now - since) / 1000);
      since = now;
      if (!result.skipped) await this.writeCheckpoint();
      onStep?.({ ...result, step: trainer.steps });
      task.advance();
      task.note(noteOf(this.#inHand, batch, epochs));
      const isDue = checkpoint?.everySteps && trainer.steps % checkpoint.everySteps === 0;
      // The end of an epoch is written with what validation says of it.
      if (isDue && this.#inHand.batches < loader.batchesPerEpoch) await this.prepareCheckpoint();
    }
  }

  /** Validation, metrics, and a checkpoint at the border of two epochs. */
  async finishEpoch(): Promise<void> {
    const { options, trainer, total } = this.#parts;
    const { schedule, batch, metric = "accuracy", onEpoch } = options;
    const state = await this.#finiteState();
    const validated = await this.#validate(state.values);
    const { epoch } = this.#inHand;
    const metrics: EpochMetrics = {
      epoch: epoch + 1,
      ...figuresOf(this.#inHand, batch),
      ...validated,
      learningRate: learningRateAt(schedule, trainer.steps - 1, total),
    };
    this.#history = [...this.#history, metrics];
    const best = bestEpoch(this.#history, metric);
    if (best === metrics) this.#best = this.#weightsOf(state.values);
    this.#inHand = epochAt(epoch + 1);
    if (options.checkpoint) await this.prepareCheckpoint(state);
    await this.#files?.epochEnded(this.#history);
    onEpoch?.(metrics, best);
  }

  /** Makes a checkpoint that is pending: it is written after the next step with a finite loss. @throws LOSS_NOT_FINITE */
  async prepareCheckpoint(state?: TrainerState): Promise<void> {
    this.#pending = {
      state: state ?? (await this.#finiteState()),
      inHand: this.#inHand,
      history: this.#history,
      best: this.#best,
    };
  }

  /** Writes the pending checkpoint, if any. @throws FILE_LOCKED, DISK_FULL, WRITE_FAILED */
  async writeCheckpoint(): Promise<void> {
    const { options, lock, trainer, identity } = this.#parts;
    const pending = this.#pending;
    if (!pending || !options.checkpoint) return;
    this.#pending = null;
    await lock?.assertHeld();
    await writeCheckpoint(options.checkpoint.path, pending, trainer.compiled.state, identity);
  }

  /** The network as it is to be kept, and the epoch, from 1, it is of. */
  async result(): Promise<{ readonly model: Model; readonly epoch: number }> {
    const { trainer, options } = this.#parts;
    const { keep = "best", metric = "accuracy" } = options;
    const best = keep === "best" ? bestEpoch(this.#history, metric) : null;
    if (best && this.#best) return { model: trainer.compiled.exportModel(this.#best), epoch: best.epoch };
    return { model: await trainer.exportModel(), epoch: this.#history.length };
  }

  /** Of the model as it would be written, in an ordinary session with constant weights. */
  async #validate(values: StateValues) {
    const { options, trainer, validation } = this.#parts;
    if (validation === null) return { validationLoss: null, validationAccuracy: null };
    const { preprocessing, batch, threads, executionProviders, open, loader, signal } = options;
    const model = trainer.compiled.exportModel(values);
    const evaluation = await evaluate(encodeModel(model), validation, preprocessing, {
      classes: validation.classes,
      batchSize: batch,
      threads,
      executionProviders,
      open: open && ((source, opening) => open(source, { ...opening, state: [] })),
      strict: loader?.strict,
      signal,
      onUnreadable: (image) => this.#unreadable.set(image.id, image),
    });
    return {
      validationLoss: crossEntropy(evaluation, endsInSoftmax(model)),
      validationAccuracy: evaluation.top1,
    };
  }

  /** A step whose loss is finite may still have left weights that are not. */
  async #finiteState(): Promise<TrainerState> {
    const state = await this.#parts.trainer.save();
    const name = Object.keys(state.values).find((each) => !allFinite(state.values[each]!));
    if (name === undefined) return state;
    throw trainErrors.error(
      "LOSS_NOT_FINITE",
      `After step ${state.steps}, "${name}" is no longer finite. A lower learning rate or clipping the gradients may help.`,
      { details: { step: state.steps, tensor: name } },
    );
  }

  /** What the network has of the state. */
  #weightsOf(values: StateValues): StateValues {
    const { state } = this.#parts.trainer.compiled;
    const kept = state.filter(({ role }) => role === "parameter" || role === "statistic");
    return Object.fromEntries(kept.map(({ name }) => [name, own(values, name)!]));
  }
}

function epochAt(epoch: number): EpochInHand {
  return { epoch, batches: 0, skipped: 0, lossSum: 0, correct: 0, seconds: 0 };
}

function stepped(before: EpochInHand, { loss, correct, skipped }: StepResult, seconds: number): EpochInHand {
  return {
    epoch: before.epoch,
    batches: before.batches + 1,
    skipped: before.skipped + (skipped ? 1 : 0),
    lossSum: before.lossSum + (skipped ? 0 : loss),
    correct: before.correct + (skipped ? 0 : (correct ?? 0)),
    seconds: before.seconds + seconds,
  };
}

/** Of an epoch so far; the means are of the steps that were not skipped. */
function figuresOf({ batches, skipped, lossSum, correct, seconds }: EpochInHand, batch: number) {
  const counted = batches - skipped;
  return {
    loss: lossSum / counted,
    accuracy: correct / (counted * batch),
    skipped,
    imagesPerSecond: (batches * batch) / seconds,
    seconds,
  };
}

/** x - x is 0 for every finite x, and NaN for the others. */
function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!;
  return sum === 0;
}

function noteOf(inHand: EpochInHand, batch: number, epochs: number): string {
  const { loss, accuracy, imagesPerSecond } = figuresOf(inHand, batch);
  return (
    `epoch ${inHand.epoch + 1} of ${epochs}, loss ${loss.toFixed(3)}, ${(100 * accuracy).toFixed(1)} % right, ` +
    `${Math.round(imagesPerSecond)} images/s`
  );
}
