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

/**
 * Which way the label of the chosen point runs from the point: towards the middle of the chart, so that it never
 * covers the figures of the axis.
 */
export function labelAlign(points: readonly TradeOffPoint[]): "left" | "right" {
  const sizes = points.map(({ bytes }) => bytes);
  const middle = (Math.min(...sizes) + Math.max(...sizes)) / 2;
  const chosen = points.find((point) => point.chosen);
  return chosen === undefined || chosen.bytes < middle ? "left" : "right";
}
