/**
 * Two models' maps of the same images: the share of the pixels to which both give the same class. Pixels of one
 * image are no independent trials, so that the interval is over images:
 *
 *   p = sum k / sum n over images of n pixels, k of them the same;
 *   variance = m / (m - 1) * sum (k - p n)^2 / (sum n)^2 for m images (a ratio estimate).
 *
 * Mean IoU is no mean over images: the interval of its difference is from `bootstrap`, the same draws for both models.
 */
import { bootstrap, bootstrapInterval } from "../task/bootstrap.ts";
import type { PairedDifference } from "../task/paired-difference.ts";
import type { TaskFigure } from "../task/task.ts";
import type { SegmentationEvaluation } from "./evaluate-maps.ts";
import { type ClassPixels, meanIou } from "./overlap.ts";

export interface MapDifference {
  /** Images that both could read. */
  readonly images: number;
  /** Images whose maps were compared: both of one size, and kept. */
  readonly compared: number;
  readonly pixels: number;
  /** Share of the pixels with the same class; not a number where none was compared. */
  readonly agreement: number;
  /** Its 95 % interval over images; null where fewer than two were compared. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  /** The least of one image. */
  readonly lowest: number;
  /** Mean IoU of the second minus that of the first, over the images with masks; null without them. */
  readonly difference: PairedDifference | null;
}

/** Two-sided 95 % of the normal distribution. */
const z95 = 1.959964;

/** Both MUST be of the same source. */
export function compareMaps(first: SegmentationEvaluation, second: SegmentationEvaluation): MapDifference {
  const place = new Map(second.indices.map((index, at) => [index, at]));
  const shares: { readonly same: number; readonly of: number }[] = [];
  const masked: { readonly before: ClassPixels; readonly after: ClassPixels }[] = [];
  let images = 0;
  for (const [at, index] of first.indices.entries()) {
    const there = place.get(index);
    if (there === undefined) continue;
    images++;
    const [before, after] = [first.pixels?.[at] ?? null, second.pixels?.[there] ?? null];
    if (before !== null && after !== null) masked.push({ before, after });
    const [a, b] = [first.maps[at] ?? null, second.maps[there] ?? null];
    if (a === null || b === null || a.width !== b.width || a.height !== b.height) continue;
    let same = 0;
    for (let i = 0; i < a.classes.length; i++) if (a.classes[i] === b.classes[i]) same++;
    shares.push({ same, of: a.classes.length });
  }
  const pixels = shares.reduce((sum, { of }) => sum + of, 0);
  const agreement = shares.reduce((sum, { same }) => sum + same, 0) / pixels;
  const least = shares.reduce(
    (fewest, { same, of }) => Math.min(fewest, same / of),
    Number.POSITIVE_INFINITY,
  );
  const lowest = shares.length === 0 ? Number.NaN : least;
  return {
    images,
    compared: shares.length,
    pixels,
    agreement,
    interval: intervalOf(shares, agreement, pixels),
    lowest,
    difference: iouDifference(
      masked.map(({ before }) => before),
      masked.map(({ after }) => after),
    ),
  };
}

function iouDifference(
  before: readonly ClassPixels[],
  after: readonly ClassPixels[],
): PairedDifference | null {
  const differenceOf = (times?: ArrayLike<number>): number | null => {
    const [a, b] = [meanIou(before, times), meanIou(after, times)];
    return a === null || b === null ? null : b - a;
  };
  const value = differenceOf();
  if (value === null) return null;
  return { value, ...bootstrapInterval(bootstrap(before.length, differenceOf), value) };
}

function intervalOf(
  shares: readonly { readonly same: number; readonly of: number }[],
  agreement: number,
  pixels: number,
): MapDifference["interval"] {
  const count = shares.length;
  if (count < 2) return null;
  const squares = shares.reduce((sum, { same, of }) => sum + (same - agreement * of) ** 2, 0);
  const half = z95 * Math.sqrt(((count / (count - 1)) * squares) / pixels ** 2);
  return { low: Math.max(0, agreement - half), high: Math.min(1, agreement + half) };
}

export function mapDifferences({
  images,
  compared,
  agreement,
  interval,
  lowest,
  difference,
}: MapDifference): TaskFigure[] {
  const of = `the pixels of ${compared === images ? images : `${compared} of ${images}`} images`;
  return [
    { name: "same class", unit: "share", value: agreement, interval, of },
    {
      name: "same class, lowest of one image",
      unit: "share",
      value: lowest,
      interval: null,
      of: "its pixels",
    },
    ...(difference === null
      ? []
      : [
          {
            name: "difference of mean IoU",
            unit: "share" as const,
            value: difference.value,
            interval: { low: difference.low, high: difference.high },
            of: `${images} images`,
          },
        ]),
  ];
}
