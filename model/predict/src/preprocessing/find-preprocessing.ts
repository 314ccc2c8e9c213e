/**
 * Finds how a model wants its images prepared by trying the usual ways on some images: each image is decoded
 * once, and a way that is beaten beyond doubt takes no part in what follows. A wrong way costs 60 points of
 * accuracy and looks like a bad model; nobody sees it from outside.
 */
import { own, silentProgress, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { float32Of } from "@cupel/runtime";
import { batches, type ImageSource, type Preprocessing, tensorDims } from "@cupel/vision";
import { chanceOf } from "../classification/chance.ts";
import { areProbabilities } from "../classification/probabilities.ts";
import { highest } from "../classification/rank.ts";
import { imageInputOf, imagesPerRun } from "../input/image-input.ts";
import { type ImageSession, runImages } from "../run/image-runs.ts";
import type { ChosenPreprocessing } from "./choose-preprocessing.ts";
import {
  certain,
  type Finding,
  type ImageScores,
  isBeaten,
  leaderOf,
  meanOf,
  type TriedPreprocessing,
} from "./finding.ts";
import { asDecoded, changingValues } from "./tensor-values.ts";

export interface FindOptions extends WorkOptions {
  /** Whether the graph ends in Softmax. Default: as the values look. */
  readonly probabilities?: boolean | undefined;
}

const imagesAtATime = 16;
/** After this many images, and after every doubling, beaten candidates leave. */
const firstLook = 32;
/** No probability counts as less, so that one image does not outweigh all others. */
const leastProbability = 1e-6;

/**
 * @param session of a model whose first output is a row of class scores for each image.
 * @param images a few hundred, in an order that any prefix represents (`sample`), whose labels are classes of the
 * model, or without labels.
 * @returns `chosen` itself where somebody says how; else what was found; the guess, with the finding, where the
 * images do not tell it from the best, or where no way is right more often than chance.
 * @throws IMAGES_UNREADABLE, CANCELLED, and what a run throws
 */
export async function findPreprocessing(
  session: ImageSession,
  images: ImageSource,
  chosen: ChosenPreprocessing,
  options: FindOptions,
): Promise<ChosenPreprocessing> {
  const { candidates } = chosen;
  if (candidates.length < 2) return chosen;
  const { signal } = options;
  const decoded = asDecoded(chosen.preprocessing);
  const output = session.outputs[0]!.name;
  const labels: (number | null)[] = [];
  const beaten: TriedPreprocessing[] = [];
  let trials: readonly Trial[] = candidates.map((preprocessing) => ({
    preprocessing,
    values: changingValues(decoded, preprocessing),
    rows: [],
    isGuess: preprocessing === chosen.preprocessing,
  }));
  using progress = (options.progress ?? silentProgress).start(
    "Finding the preprocessing",
    images.length,
    "images",
  );
  const batchSize = imagesPerRun(imageInputOf(session.inputs), tensorDims(decoded, 1), imagesAtATime);
  let look = firstLook;
  for await (const batch of batches(images, decoded, { batchSize, signal })) {
    labels.push(...batch.indices.map((index) => images.label(index)));
    for (const { values, rows } of trials) {
      throwIfCancelled(signal, "Finding the preprocessing");
      const tensors = await runImages(session, { ...batch, data: values(batch.data) }, [output]);
      rows.push(...probabilityRows(float32Of(own(tensors, output)!), batch.dims[0], options.probabilities));
    }
    progress.advance(batch.dims[0]);
    if (labels.length < look) continue;
    look *= 2;
    const { others } = judge(trials, labels, images.labelled, certain.onTheWay);
    beaten.push(...others.filter(({ isRival }) => !isRival));
    trials = trials.filter(
      ({ preprocessing }) => !beaten.some((each) => each.preprocessing === preprocessing),
    );
    if (trials.length === 1) break;
  }
  const { best, others, isAboveChance } = judge(trials, labels, images.labelled, certain.atTheEnd);
  const finding: Finding = {
    by: images.labelled ? "labels" : "information",
    images: labels.length,
    tried: [best, ...[...others, ...beaten].sort((a, b) => b.score - a.score)],
  };
  const isGuessAsGood = finding.tried.some(({ isGuess, isRival }) => isGuess && isRival);
  if (isGuessAsGood || !isAboveChance) return { ...chosen, finding };
  return { preprocessing: best.preprocessing, origin: "found", candidates: [], finding };
}

interface Trial {
  readonly preprocessing: Preprocessing;
  readonly values: (data: Float32Array) => Float32Array<ArrayBuffer>;
  /** Probabilities of the classes, a row an image. */
  readonly rows: Float64Array[];
  readonly isGuess: boolean;
}

/** @param z by how many standard errors another must be behind to be no rival of the best. */
function judge(trials: readonly Trial[], labels: readonly (number | null)[], labelled: boolean, z: number) {
  const scores = trials.map(({ rows }) => scoresOf(rows, labels, labelled));
  const leader = leaderOf(scores);
  const by = labelled ? "labels" : "information";
  const judged = trials.map(({ preprocessing, isGuess }, i) => ({
    preprocessing,
    isGuess,
    score: meanOf(scores[i]!.main),
    images: labels.length,
    isRival: i !== leader && !isBeaten(scores[leader]!, scores[i]!, by, z),
  }));
  const right = scores[leader]!.main.filter((isRight) => isRight === 1).length;
  return {
    best: judged[leader]!,
    others: judged.filter((_, i) => i !== leader),
    isAboveChance: !labelled || chanceOf(right, labels).verdict === "above",
  };
}

function scoresOf(
  rows: readonly Float64Array[],
  labels: readonly (number | null)[],
  labelled: boolean,
): ImageScores {
  if (!labelled) {
    return { main: informationOf(rows), probability: rows.map((row) => row[highest(row)]!) };
  }
  const known = rows.flatMap((row, i) => {
    const label = labels[i] ?? null;
    return label === null ? [] : [{ row, label }];
  });
  return {
    main: known.map(({ row, label }) => (highest(row) === label ? 1 : 0)),
    probability: known.map(({ row, label }) => Math.log(Math.max(leastProbability, row[label] || 0))),
  };
}

/** Of each image: the divergence of its probabilities from their mean over all images, in nats. */
function informationOf(rows: readonly Float64Array[]): number[] {
  const mean = new Float64Array(rows[0]?.length ?? 0);
  for (const row of rows) for (const [c, p] of row.entries()) mean[c]! += p / rows.length;
  return rows.map((row) => row.reduce((sum, p, c) => (p > 0 ? sum + p * Math.log(p / mean[c]!) : sum), 0));
}

/** Probabilities of each image; a row that is no numbers says nothing of any class. */
function probabilityRows(values: Float32Array, images: number, probabilities = false): Float64Array[] {
  const classes = values.length / images;
  const isProbability = probabilities || areProbabilities(values, classes);
  return Array.from({ length: images }, (_, i) => {
    const row = Float64Array.from(values.subarray(i * classes, (i + 1) * classes));
    if (!row.every(Number.isFinite)) return row.fill(1 / classes);
    if (isProbability) return row;
    const largest = row.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
    const sum = row.reduce((total, score) => total + Math.exp(score - largest), 0);
    return row.map((score) => Math.exp(score - largest) / sum);
  });
}
