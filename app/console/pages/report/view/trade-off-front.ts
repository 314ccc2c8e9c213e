/** The useful points of a search: those that no other point beats in both size and loss. */
import type { TradeOffPoint } from "@cupel/report";

/** The Pareto front, smallest file first. Of equal points the first tried stays. */
export function tradeOffFront(points: readonly TradeOffPoint[]): TradeOffPoint[] {
  const front: TradeOffPoint[] = [];
  for (const point of points.toSorted((a, b) => a.bytes - b.bytes || a.loss - b.loss)) {
    const best = front.at(-1);
    if (best === undefined || point.loss < best.loss) front.push(point);
  }
  return front;
}
