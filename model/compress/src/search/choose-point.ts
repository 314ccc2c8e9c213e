/** The choice among models that were measured, each made by another recipe: the rule of the search for bit widths, without its path. */
import { compressErrors } from "../errors.ts";
import type { SizeTarget } from "../recipe/recipe.ts";
import type { Loss } from "./loss.ts";

export interface MeasuredPoint extends Loss {
  /** Of the file. */
  readonly bytes: number;
}

/**
 * With `maxDrop` the smallest that keeps to it, within `maxBytes` where that is set; with `maxBytes` alone the one that
 * loses least; without either the smallest. Of equals the first.
 * @throws BUDGET_UNREACHABLE
 */
export function choosePoint<Point extends MeasuredPoint>(
  points: readonly Point[],
  target: SizeTarget,
): Point {
  const { maxBytes, maxDrop } = target;
  const within = points.filter(({ bytes }) => maxBytes === null || bytes <= maxBytes);
  const kept = within.filter(({ cautious }) => maxDrop === null || cautious <= maxDrop);
  const bySize = maxDrop !== null || maxBytes === null;
  const [chosen] = kept.toSorted((a, b) =>
    bySize ? a.bytes - b.bytes || a.cautious - b.cautious : a.cautious - b.cautious || a.bytes - b.bytes,
  );
  if (chosen !== undefined) return chosen;
  const nearest = nearestTo(target, points, within);
  const wanted = [
    ...(maxBytes === null ? [] : [`${maxBytes} bytes`]),
    ...(maxDrop === null ? [] : [`a drop of ${pointsText(maxDrop)}`]),
  ].join(" and ");
  throw compressErrors.error(
    "BUDGET_UNREACHABLE",
    `None of ${points.length} recipes keeps to ${wanted || "the floor"}${
      nearest === undefined
        ? ""
        : `: the nearest has ${nearest.bytes} bytes and costs ${pointsText(nearest.loss)} (${pointsText(nearest.cautious)} with one standard error)`
    }. Allow more bytes or a larger drop, try other recipes, or give more images.`,
    { details: { maxBytes, maxDrop, bytes: nearest?.bytes ?? null, loss: nearest?.loss ?? null } },
  );
}

/** Within the size the one that loses least; where none is, the smallest. */
function nearestTo<Point extends MeasuredPoint>(
  { maxBytes }: SizeTarget,
  points: readonly Point[],
  within: readonly Point[],
): Point | undefined {
  if (maxBytes !== null && within.length === 0) return points.toSorted((a, b) => a.bytes - b.bytes)[0];
  return within.toSorted((a, b) => a.cautious - b.cautious)[0];
}

const pointsText = (share: number) => `${(100 * share).toFixed(2)} points`;
