/** Who leads in a column: Cupel's best row against the peers' best, of those that lose little enough to compare. */
import { compareEvaluations } from "@cupel/predict";
import type { Bar } from "../benchmark.ts";
import { megabytes, points, seconds } from "../figures.ts";
import type { Measured } from "./measured.ts";

/** Top-1, as a fraction, that a row may lose for its bytes and its time to count. */
const mostLost = 0.007;

interface Column {
  readonly title: string;
  /** The less the better. */
  value(row: Measured): number;
  text(row: Measured): string;
  readonly isExact: boolean;
}

const columns: readonly Column[] = [
  { title: "bytes", value: (row) => row.bytes, text: (row) => megabytes(row.bytes), isExact: true },
  {
    title: "bytes as zstd -19",
    value: (row) => row.zstdBytes,
    text: (row) => megabytes(row.zstdBytes),
    isExact: true,
  },
  {
    title: "latency",
    value: (row) => 1 / row.speed.median,
    text: (row) => `${row.speed.median.toFixed(2)}x`,
    isExact: false,
  },
  {
    title: "processor time to make",
    value: (row) => row.processorSeconds,
    text: (row) => seconds(1000 * row.processorSeconds),
    isExact: false,
  },
];

/** None where either side has no row. */
export function leaders(model: string, rows: readonly Measured[]): Bar[] {
  const kept = rows.filter(({ difference }) => -difference.difference!.value <= mostLost);
  const bars = columns.flatMap(({ title, value, text, isExact }) => {
    const [ours, theirs] = bestOfBoth(kept, value);
    if (!ours || !theirs) return [];
    return {
      claim: `${model}, ${title}, at <= ${(100 * mostLost).toFixed(1)} points lost: no peer is ahead`,
      measured: `${ours.by} ${text(ours)}, ${theirs.by} ${text(theirs)}`,
      isMet: value(ours) <= value(theirs),
      isExact,
    };
  });
  return [...bars, ...accuracyBar(model, rows)];
}

/** Being ahead by chance is not being ahead: the interval of the paired difference decides. */
function accuracyBar(model: string, rows: readonly Measured[]): Bar[] {
  const [ours, theirs] = bestOfBoth(rows, (row) => -row.top1);
  if (!ours || !theirs) return [];
  const { value, low, high } = compareEvaluations(ours.evaluation, theirs.evaluation).difference!;
  return [
    {
      claim: `${model}, accuracy: no peer is ahead beyond chance`,
      measured: `${theirs.by} less ${ours.by}: ${points(value)} [${points(low)}, ${points(high)}]`,
      isMet: low <= 0,
      isExact: true,
    },
  ];
}

function bestOfBoth(rows: readonly Measured[], value: (row: Measured) => number) {
  const best = (isCupel: boolean) =>
    rows.filter((row) => row.isCupel === isCupel).sort((a, b) => value(a) - value(b))[0];
  return [best(true), best(false)] as const;
}
