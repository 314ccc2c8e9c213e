/**
 * Which endpoint a try goes to. Pure: standings in, one of them out.
 *
 * - Endpoints of one region share its calls: the one with the fewest in flight. One without a region is its own.
 * - A region's round trip is that of its nearest endpoint. The nearest region is chosen and kept: another must be nearer by
 *   a fifth and by 5 ms, so that noise moves nobody.
 * - An endpoint that could not be reached when last asked comes after those that could.
 */
export interface Standing {
  readonly region: string;
  /** In ms; null where it was never measured. */
  readonly roundTripMs: number | null;
  readonly isReachable: boolean;
  readonly inFlight: number;
}

const nearerShare = 0.8;
const nearerMs = 5;

/**
 * @param candidates that take calls, in the order given by the user. @param current region; null for none yet.
 * @returns undefined where there is no candidate
 */
export function chooseEndpoint<Its extends Standing>(
  candidates: readonly Its[],
  current: string | null,
): Its | undefined {
  const reachable = candidates.filter(({ isReachable }) => isReachable);
  const regions = Map.groupBy(reachable.length > 0 ? reachable : candidates, ({ region }) => region);
  const distance = (region: string) =>
    Math.min(
      ...(regions.get(region) ?? []).map(({ roundTripMs }) => roundTripMs ?? Number.POSITIVE_INFINITY),
    );
  const nearest = [...regions.keys()].reduce<string | null>(
    (best, region) => (best === null || distance(region) < distance(best) ? region : best),
    null,
  );
  if (nearest === null) return undefined;
  const isKept = current !== null && regions.has(current) && !isNearer(distance(nearest), distance(current));
  const chosen = regions.get(isKept ? current : nearest) ?? [];
  return chosen.reduce((best, each) => (each.inFlight < best.inFlight ? each : best));
}

function isNearer(one: number, other: number): boolean {
  return one < nearerShare * other && (other - one > nearerMs || other === Number.POSITIVE_INFINITY);
}
