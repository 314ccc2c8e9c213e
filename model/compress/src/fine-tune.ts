/**
 * Trains a pruned network to answer as the one it was made from (Hinton et al. 2015): its scores are the targets, with the labels
 * as far as there are any. Outputs that are no scores of classes are learned as numbers.
 */
import { silentProgress, throwIfCancelled } from "@cupel/base";
import { inferShapes, type Model } from "@cupel/onnx";
import type { Feeds } from "@cupel/runtime";
import { learningRateAt, type Optimiser, openTrainer } from "@cupel/train";
import { type ImageSource, openLoader } from "@cupel/vision";
import type { StageContext } from "./stage/stage.ts";
import { openTeacher } from "./teacher.ts";

export interface FineTuneOptions {
  readonly epochs: number;
  /** The largest; it falls to nothing along half a cosine. */
  readonly learningRate: number;
  /** Images a step. */
  readonly batch: number;
}

export interface FineTuneForm {
  /** Default stochastic gradient descent with momentum 0.9. */
  readonly optimiser?: Optimiser | undefined;
  /** What the student is fed beside so many images, anew in each step. Default: nothing. */
  readonly beside?: ((images: number) => Feeds) | undefined;
}

/** Of the labels in the loss, where there are labels. */
const labelWeight = 0.1;
/** Norm of all gradients together: a network that has just lost channels makes large ones. */
const clipNorm = 1;

/** `student` and `teacher` are left as they are. @returns the trained student. @throws what a trainer and images throw */
export async function fineTune(
  student: Model,
  teacher: Model,
  images: ImageSource,
  { epochs, learningRate, batch }: FineTuneOptions,
  context: StageContext,
  { optimiser = { kind: "sgd", momentum: 0.9 }, beside = () => ({}) }: FineTuneForm = {},
): Promise<Model> {
  const { preprocessing, seed, threads, strict, signal } = context;
  const batchSize = Math.min(batch, images.length);
  await using loader = await openLoader(images, preprocessing, {
    batchSize,
    seed,
    strict,
    workers: 0,
    signal,
  });
  await using taught = await openTeacher(teacher, context);
  const isOfClasses = overClasses(student);
  const total = epochs * loader.batchesPerEpoch;
  using task = (context.progress ?? silentProgress).start("Fine-tuning", total, "steps");
  let trainer: Awaited<ReturnType<typeof openTrainer>> | null = null;
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      for await (const shown of loader.epoch(epoch)) {
        const { data, dims, labels, index } = shown;
        throwIfCancelled(signal, "Fine-tuning");
        trainer ??= await openTrainer(student, {
          batch: batchSize,
          imageDims: dims.slice(1),
          loss: isOfClasses
            ? { kind: "distillation", weight: images.labelled ? 1 - labelWeight : 1 }
            : { kind: "mse" },
          optimiser,
          statistics: "frozen",
          clipNorm,
          threads,
          signal,
        });
        const target = await taught.logits(shown);
        await trainer.step(
          {
            inputs: {
              [inputName(student)]: { type: "float32", dims, data: data.slice() },
              ...beside(batchSize),
            },
            ...(isOfClasses
              ? { labels: images.labelled ? labels.slice() : new Int32Array(batchSize), teacher: target }
              : { target }),
          },
          learningRateAt({ kind: "cosine", learningRate }, epoch * loader.batchesPerEpoch + index, total),
        );
        task.advance();
      }
    }
    const trained = await trainer!.exportModel();
    inferShapes(trained);
    return trained;
  } finally {
    await trainer?.close();
  }
}

function inputName({ graph }: Model): string {
  return graph.inputs.find((input) => !input.constant)!.name;
}

function overClasses({ graph }: Model): boolean {
  const shape = graph.outputs[0]?.shape;
  return shape?.length === 2 && typeof shape[1] === "number" && shape[1] > 1;
}
