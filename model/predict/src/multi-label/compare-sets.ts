/**
 * Two models' classes of the same images: how many images get the same ones of both; and with labels the differences of
 * the figures, whose intervals are from `bootstrap`, the same draws for both models.
 */
import { type Proportion, proportion } from "@cupel/base";
import { agreementFigure } from "../task/agreement-figure.ts";
import { bootstrap, bootstrapInterval } from "../task/bootstrap.ts";
import type { PairedDifference } from "../task/paired-difference.ts";
import type { TaskFigure } from "../task/task.ts";
import { microF1Name, type SetEvaluation } from "./evaluate-sets.ts";
import { rankSets, type ScoredSet, type SetPrecision, setPrecision } from "./set-precision.ts";
import { leastScore } from "./threshold.ts";

export interface SetDifference {
  /** Images of which both tell the same classes. */
  readonly agreement: Proportion;
  /** Images with labels that both could read. */
  readonly labelled: number;
  /** Of the second minus that of the first; null without labels. */
  readonly meanAveragePrecision: PairedDifference | null;
  readonly microF1: PairedDifference | null;
}

/** Both MUST be of the same source. Images that either could not read are left out. */
export function compareSets(first: SetEvaluation, second: SetEvaluation): SetDifference {
  const place = new Map(second.indices.map((index, at) => [index, at]));
  let [shared, same] = [0, 0];
  const before: ScoredSet[] = [];
  const after: ScoredSet[] = [];
  for (const [at, index] of first.indices.entries()) {
    const there = place.get(index);
    if (there === undefined) continue;
    const [a, b] = [first.scores[at]!, second.scores[there]!];
    shared++;
    if (isSameSet(a, b)) same++;
    const [set, other] = [first.sets?.[at] ?? null, second.sets?.[there] ?? null];
    if (set === null || other === null) continue;
    before.push({ scores: a, set });
    after.push({ scores: b, set: other });
  }
  return { agreement: proportion(same, shared), labelled: before.length, ...differencesOf(before, after) };
}

function isSameSet(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((score, c) => score >= leastScore === b[c]! >= leastScore);
}

function differencesOf(before: readonly ScoredSet[], after: readonly ScoredSet[]) {
  const [first, second] = [rankSets(before), rankSets(after)];
  const measure = (times?: ArrayLike<number>) => ({
    first: setPrecision(first, times),
    second: setPrecision(second, times),
  });
  const all = measure();
  const drawn = before.length === 0 ? [] : bootstrap(before.length, measure);
  const difference = (name: "meanAveragePrecision" | "microF1"): PairedDifference | null => {
    const between = (pair: { readonly first: SetPrecision; readonly second: SetPrecision }) =>
      pair.first[name] === null || pair.second[name] === null ? null : pair.second[name] - pair.first[name];
    const value = between(all);
    if (value === null) return null;
    const draws = drawn.map(between).filter((each) => each !== null);
    return { value, ...bootstrapInterval(draws, value) };
  };
  return { meanAveragePrecision: difference("meanAveragePrecision"), microF1: difference("microF1") };
}

export function setDifferences({
  agreement,
  labelled,
  meanAveragePrecision,
  microF1,
}: SetDifference): TaskFigure[] {
  const figure = (name: string, difference: PairedDifference | null): TaskFigure[] => {
    if (difference === null) return [];
    const { value, ...interval } = difference;
    return [{ name: `difference of ${name}`, unit: "share", value, interval, of: `${labelled} images` }];
  };
  return [
    agreementFigure("same classes", agreement),
    ...figure("mAP", meanAveragePrecision),
    ...figure(microF1Name, microF1),
  ];
}
