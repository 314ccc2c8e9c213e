/**
 * How many channels each group keeps. Costs (bytes, milliseconds) are sums of terms in the widths of groups, and a term may depend on
 * two of them, as a layer's does on what it reads and makes; harm adds up over groups. Narrower and narrower networks lie on a
 * path: from each to the next goes the group that saves most for the harm it does, to the width where it does so. Where no term
 * depends on two groups that is the lower convex hull of Shoham and Gersho (1988), as for bits; where one does, what a step saves
 * is what it saves at the widths that all others have by then.
 */

export interface WidthOption {
  readonly width: number;
  /** What keeping so many does, or anything that adds up over groups; 0 at the full width. */
  readonly harm: number;
}

/** From the full width down. */
export type GroupOptions = readonly [WidthOption, ...WidthOption[]];

export interface CostTerm {
  /** Indices of the groups that it depends on. */
  readonly groups: readonly number[];
  /** @param kept channels of every group */
  readonly at: (kept: readonly number[]) => number;
}

export interface Cost {
  /** What no group changes. */
  readonly fixed: number;
  readonly terms: readonly CostTerm[];
}

/** A cost, and the most that it may be. */
export interface LimitedCost extends Cost {
  /** Infinite where it is only to be small. */
  readonly limit: number;
}

export interface PlannedWidths {
  /** Channels of each group that stay. */
  readonly kept: readonly number[];
  readonly harm: number;
  /** Of each cost, in their order. */
  readonly costs: readonly number[];
}

export function costOf({ fixed, terms }: Cost, kept: readonly number[]): number {
  return terms.reduce((sum, { at }) => sum + at(kept), fixed);
}

/**
 * From all channels to the fewest. A step counts what it saves as a share of the whole, of those costs that are above their
 * limit still; once all keep to theirs, of all.
 */
export function widthPath(groups: readonly GroupOptions[], costs: readonly LimitedCost[]): PlannedWidths[] {
  const kept = groups.map(([full]) => full.width);
  const harms = groups.map(([full]) => full.harm);
  const wholes = costs.map((cost) => costOf(cost, kept));
  const touching = costs.map(({ terms }) =>
    groups.map((_, group) => terms.filter((term) => term.groups.includes(group))),
  );
  const totals = [...wholes];
  const point = (): PlannedWidths => ({
    kept: [...kept],
    harm: harms.reduce((sum, harm) => sum + harm, 0),
    costs: [...totals],
  });
  const path = [point()];
  for (;;) {
    const unmet = costs.map(({ limit }, i) => totals[i]! > limit);
    const counts = unmet.includes(true) ? unmet : costs.map(() => true);
    let best: { group: number; option: WidthOption; saved: number[]; rate: number } | null = null;
    for (const [group, options] of groups.entries()) {
      const terms = touching.map((byGroup) => byGroup[group]!);
      const before = kept[group]!;
      const now = terms.map((each) => sumAt(each, kept));
      for (const option of options) {
        if (option.width >= before) continue;
        kept[group] = option.width;
        const saved = terms.map((each, i) => now[i]! - sumAt(each, kept));
        const gain = saved.reduce(
          (sum, each, i) => sum + (counts[i] && wholes[i]! > 0 ? each / wholes[i]! : 0),
          0,
        );
        const rate = (option.harm - harms[group]!) / gain;
        if (gain > 0 && (best === null || rate < best.rate)) best = { group, option, saved, rate };
      }
      kept[group] = before;
    }
    if (best === null) return path;
    kept[best.group] = best.option.width;
    harms[best.group] = best.option.harm;
    for (const [i, saved] of best.saved.entries()) totals[i]! -= saved;
    path.push(point());
  }
}

function sumAt(terms: readonly CostTerm[], kept: readonly number[]): number {
  return terms.reduce((sum, { at }) => sum + at(kept), 0);
}

/**
 * The path with all widths that its steps go past, for a limit between two of its points: they do more harm than another network
 * of their cost might, but no more than the point behind them. What costs no less than the point before is left out.
 */
export function withStepsBetween(
  path: readonly PlannedWidths[],
  groups: readonly GroupOptions[],
  costs: readonly Cost[],
): PlannedWidths[] {
  return path.flatMap((point, i) => {
    const next = path[i + 1];
    if (next === undefined) return [point];
    const group = point.kept.findIndex((width, at) => width !== next.kept[at]);
    const harmOf = (width: number) => groups[group]!.find((each) => each.width === width)!.harm;
    const [from, to] = [point.kept[group]!, next.kept[group]!];
    const steps = [point];
    for (const { width } of groups[group]!) {
      if (width >= from || width <= to) continue;
      const kept = point.kept.with(group, width);
      const found = {
        kept,
        harm: point.harm + harmOf(width) - harmOf(from),
        costs: costs.map((cost) => costOf(cost, kept)),
      };
      const isBetween = found.costs.every(
        (cost, at) => cost <= steps.at(-1)!.costs[at]! && cost >= next.costs[at]!,
      );
      if (isBetween) steps.push(found);
    }
    return steps;
  });
}

/**
 * The first point of a path that keeps to a limit by measure, where the path only tells the order and about how much. Two measured
 * points around the limit say where between them it is met, if costs between go as predicted; where that leaves more than
 * half of what was between them, prediction is of no use there and the next is the one in the middle.
 * @param predicted of each point, falling; in any unit. @param measure of one; the first point is measured first.
 * @param rounds at most so many measures, and one of the last point. @param slack nearer to the limit by this share is not looked for
 * @returns null where the last point does not keep to the limit either
 */
export async function firstWithin(
  predicted: readonly number[],
  limit: number,
  measure: (at: number) => Promise<number>,
  { rounds, slack }: { readonly rounds: number; readonly slack: number },
): Promise<MeasuredAt | null> {
  const last = predicted.length - 1;
  const first = { at: 0, measured: await measure(0) };
  if (first.measured <= limit || last === 0) return first.measured <= limit ? first : null;
  let above: MeasuredAt = first;
  let within: MeasuredAt | null = null;
  let isHalved = true;
  for (let round = 1; round < rounds; round++) {
    const end: number = within?.at ?? last + 1;
    const between = end - above.at;
    if (between <= 1) break;
    const wanted = costAt((1 - slack / 2) * limit, above, within, predicted);
    const guess = predicted.findIndex((each) => each <= wanted);
    const middle = above.at + Math.ceil(between / 2);
    const at: number = isHalved
      ? Math.min(end - 1, Math.max(above.at + 1, guess < 0 ? last : guess))
      : middle;
    const found: MeasuredAt = { at, measured: await measure(at) };
    if (found.measured > limit) above = found;
    else if (found.measured >= (1 - slack) * limit) return found;
    else within = found;
    isHalved = !isHalved || 2 * ((within?.at ?? last + 1) - above.at) <= between;
  }
  if (within !== null || above.at === last) return within;
  const measured = await measure(last);
  return measured <= limit ? { at: last, measured } : null;
}

export interface MeasuredAt {
  readonly at: number;
  readonly measured: number;
}

/** The predicted cost that goes with a measured one: on the line through two points, or through one in proportion. */
function costAt(
  measured: number,
  above: MeasuredAt,
  within: MeasuredAt | null,
  predicted: readonly number[],
): number {
  const high = predicted[above.at]!;
  if (within === null) return (high * measured) / above.measured;
  const share = (above.measured - measured) / (above.measured - within.measured);
  return high - share * (high - predicted[within.at]!);
}
