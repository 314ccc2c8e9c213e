/**
 * The epochs of a quantisation-aware training. After each, what would be written is read off the trained graph, emitted and
 * measured on images that nothing is trained with; the best is kept, and that may be what there was before.
 */
import { silentProgress } from "@cupel/base";
import { encodeModel, type Model } from "@cupel/onnx";
import {
  compareEvaluations,
  crossEntropy,
  type Evaluation,
  endsInSoftmax,
  evaluate,
  fedDims,
  imageInputOf,
  inputsOf,
} from "@cupel/predict";
import { learningRateAt, openTrainer, type Trainer } from "@cupel/train";
import { type Augmentation, type ImageSource, type Loader, openLoader, tensorDims } from "@cupel/vision";
import { emitModel } from "../emit/emit-model.ts";
import { meanDivergence } from "../search/sensitivity.ts";
import type { Calibrated, Quantised, StageContext } from "../stage/stage.ts";
import { classesOfLogits, openTeacher, type Teacher } from "../teacher.ts";
import { type ReadBack, readBack } from "./read-back.ts";
import type { RoundedNetwork } from "./rounded-network.ts";

export interface RetrainNetworkOptions {
  readonly train: ImageSource;
  /** Images to choose the epoch by. */
  readonly heldOut: ImageSource;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly temperature: number;
  /** Share of the loss that is of labels; images without are taught by the teacher alone. */
  readonly labelShare: number;
  readonly augmentation: Augmentation;
}

/** What was found at the end of an epoch; of epoch 0, before the first step. */
export interface RetrainedEpoch {
  readonly epoch: number;
  /** Mean over the steps; null before the first. */
  readonly loss: number | null;
  /** Share of the images trained with that were classified as labelled, or as the original does; null before the first step. */
  readonly trained: number | null;
  /** Of the held-out images, those that are classified as labelled; null without labels. */
  readonly accuracy: number | null;
  /** Of the held-out images, those that are classified as the original does. */
  readonly agreement: number;
  /** Mean divergence from the original on the held-out images, in nats. */
  readonly divergence: number;
  /**
   * What the epoch is chosen by: that, and cross-entropy with the labels in their share. There is less chance in it than in a
   * count of right answers.
   */
  readonly heldOutLoss: number;
}

export interface RetrainedNetwork {
  readonly epochs: readonly RetrainedEpoch[];
  /** The epoch that was kept. */
  readonly kept: number;
  /** Null where nothing was better than what there was. */
  readonly found: ReadBack | null;
}

/** @param float the teacher. @throws CANCELLED, LOSS_NOT_FINITE, IMAGES_UNREADABLE, and what sessions throw */
export async function retrainNetwork(
  float: Model,
  rounded: RoundedNetwork,
  calibrated: Pick<Calibrated, "placement" | "scales">,
  quantised: Pick<Quantised, "variants" | "plan">,
  options: RetrainNetworkOptions,
  context: StageContext,
): Promise<RetrainedNetwork> {
  const { threads, seed, preprocessing, signal, open, strict } = context;
  const { train, heldOut, batch, epochs: count } = options;
  const judge = await openJudge(float, heldOut, options.labelShare, context);
  let best = await judge(emitModel(float, calibrated, quantised).model, {
    epoch: 0,
    loss: null,
    trained: null,
  });
  let found: ReadBack | null = null;
  const epochs = [best];
  await using loader = openLoader(train, preprocessing, {
    batchSize: batch,
    seed,
    augmentation: options.augmentation,
    workers: 1,
    strict,
    signal,
  });
  const [, ...imageDims] = tensorDims(preprocessing, 1);
  const { parameters } = rounded.network;
  const isOurs = (name: string) => parameters.has(name);
  await using teacher = await openTeacher(float, { threads, open, signal });
  await using trainer = await openTrainer(rounded.network.model, {
    batch,
    imageDims,
    loss: {
      kind: "distillation",
      temperature: options.temperature,
      weight: train.labelled ? 1 - options.labelShare : 1,
    },
    // Steps and weights are shares of themselves and of their range: decay would pull both to what means nothing.
    optimiser: { kind: "adamw", weightDecay: 0 },
    statistics: "frozen",
    parameters: isOurs,
    trainable: isOurs,
    threads,
    signal,
  });
  const total = count * loader.batchesPerEpoch;
  using task = (context.progress ?? silentProgress).start("Retraining", total, "steps");
  const run = { trainer, teacher, loader, total, options, input: imageInputOf(inputsOf(float.graph)) };
  for (let epoch = 1; epoch <= count; epoch++) {
    const figures = await trainEpoch(epoch, run, (done) => {
      task.advance();
      task.note(
        `epoch ${epoch} of ${count}, loss ${done.loss.toFixed(3)}, ${(100 * done.trained).toFixed(1)} % right`,
      );
    });
    const read = await readBack(await trainer.exportModel(), rounded, calibrated.scales, { threads, signal });
    const emitted = emitModel(
      float,
      { placement: calibrated.placement, scales: read.scales },
      { variants: read.variants, plan: quantised.plan },
    );
    const judged = await judge(emitted.model, { epoch, ...figures });
    epochs.push(judged);
    if (!(judged.heldOutLoss < best.heldOutLoss)) continue;
    best = judged;
    found = read;
  }
  return { epochs, kept: best.epoch, found };
}

interface EpochRun {
  readonly trainer: Trainer;
  readonly teacher: Teacher;
  readonly loader: Loader;
  readonly total: number;
  readonly options: RetrainNetworkOptions;
  readonly input: ReturnType<typeof inputsOf>[number];
}

/** Half a cosine from the learning rate to 0 over all epochs, after a rise of a twentieth of the first. */
async function trainEpoch(
  epoch: number,
  { trainer, teacher, loader, total, options, input }: EpochRun,
  onStep: (soFar: { readonly loss: number; readonly trained: number }) => void,
): Promise<{ readonly loss: number; readonly trained: number }> {
  const { learningRate, batch } = options;
  const schedule = {
    kind: "cosine" as const,
    learningRate,
    warmup: Math.floor(loader.batchesPerEpoch / 20),
  };
  let [steps, lossSum, correct] = [0, 0, 0];
  const soFar = () => ({ loss: lossSum / steps, trained: correct / (steps * batch) });
  for await (const images of loader.epoch(epoch - 1)) {
    const logits = await teacher.logits(images);
    const labels = images.labels.length > 0 ? images.labels : classesOfLogits(logits, batch);
    const inputs = {
      [input.name]: { type: "float32" as const, dims: fedDims(input, images.dims), data: images.data },
    };
    const result = await trainer.step(
      { inputs, labels, teacher: logits },
      learningRateAt(schedule, trainer.steps, total),
    );
    steps++;
    lossSum += result.loss;
    correct += result.correct ?? 0;
    onStep(soFar());
  }
  return soFar();
}

async function openJudge(
  float: Model,
  images: ImageSource,
  labelShare: number,
  { preprocessing, threads, open, signal, strict }: StageContext,
) {
  const givesShares = endsInSoftmax(float);
  const run = (model: Model): Promise<Evaluation> =>
    evaluate(encodeModel(model), images, preprocessing, { threads, open, signal, strict });
  const logitsOf = ({ scores }: Evaluation) => (givesShares ? scores.map(logOfShare) : scores);
  const reference = await run(float);
  return async (
    model: Model,
    figures: Pick<RetrainedEpoch, "epoch" | "loss" | "trained">,
  ): Promise<RetrainedEpoch> => {
    const evaluation = await run(model);
    const scores = logitsOf(evaluation);
    const divergence = meanDivergence(logitsOf(reference), scores, reference.classes);
    const surprise = crossEntropy({ ...evaluation, scores }, false);
    return {
      ...figures,
      accuracy: evaluation.top1,
      agreement: compareEvaluations(reference, evaluation).agreement.value,
      divergence,
      heldOutLoss: surprise === null ? divergence : (1 - labelShare) * divergence + labelShare * surprise,
    };
  };
}

/** Of a share that may have been rounded to 0: as small as one in float32 can be. */
function logOfShare(share: number): number {
  return Math.log(Math.max(share, 2 ** -126));
}
