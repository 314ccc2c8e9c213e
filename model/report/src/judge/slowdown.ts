/**
 * Whether the compressed model is slower than the original by more than chance, and which operators cost it. The two are
 * compared run by run, so that the interval of the ratio of their times says how sure it is; a headline says "slower"
 * where even its lower end is.
 */
import { type MedianInterval, threeDigits } from "@cupel/base";
import type { OperatorTime } from "../measure/operator-times.ts";
import type { Slowdown } from "../report-schema.ts";

/** Less is not worth a headline. */
const slowerFrom = 1.03;
/** Named are the operators that add the most, until this share of all added time is told, ... */
const toldShare = 0.75;
/** ... at most so many, and none that adds less than this share. */
const mostTold = 3;
const leastShare = 0.1;

/** @param timeRatio of the compressed model over the original. */
export function isSlower({ low }: MedianInterval): boolean {
  return low > slowerFrom;
}

/** @param times of the operators, those with the most added time first. */
export function slowdownOf(timeRatio: MedianInterval, times: readonly OperatorTime[]): Slowdown {
  const adding = times.filter((time) => addedBy(time) > 0);
  const all = adding.reduce((sum, time) => sum + addedBy(time), 0);
  const operators: OperatorTime[] = [];
  let told = 0;
  for (const time of adding.slice(0, mostTold)) {
    if (told >= toldShare * all || addedBy(time) < leastShare * all) break;
    operators.push(time);
    told += addedBy(time);
  }
  return { operators, sentence: sentenceOf(timeRatio, operators) };
}

const addedBy = ({ originalMs, compressedMs }: OperatorTime): number => compressedMs - originalMs;

function sentenceOf({ value, low, high }: MedianInterval, operators: readonly OperatorTime[]): string {
  const ratio = `The compressed model takes ${threeDigits(value)} times as long as the original, 95 % interval ${threeDigits(low)} to ${threeDigits(high)}.`;
  if (operators.length === 0) return `${ratio} No operator takes longer by itself.`;
  const costs = operators.map(
    ({ operator, originalMs, compressedMs }) =>
      `${operator}, ${millisecondsText(originalMs)} before and ${millisecondsText(compressedMs)} after`,
  );
  return `${ratio} What costs it: ${costs.join("; ")}.`;
}

function millisecondsText(ms: number): string {
  return ms === 0 ? "0 ms" : `${ms.toPrecision(3)} ms`;
}
