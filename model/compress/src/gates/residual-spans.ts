/**
 * Where a network may be gone past: residual blocks whose shortcut is the very value that they read. What they add is left out
 * where it changes no answer (Veit et al. 2016 removed single blocks of a trained network and lost little). A span is one or more
 * such blocks in a row; its input stands for its output.
 */
import { isElementwise, type Model, type Value } from "@cupel/onnx";
import { atImageSize } from "@cupel/predict";
import type { Preprocessing } from "@cupel/vision";
import { type CutPoint, cutPoints } from "../branch/cut-points.ts";

export interface ResidualSpan {
  /** What the span reads, all that goes on from there. */
  readonly from: CutPoint;
  /** Name of the value that it makes, of the same shape. */
  readonly to: string;
  /** Share of the network's multiply-accumulates in it, between 0 and 1. */
  readonly share: number;
}

/** Of one row of blocks; more would only be looked at. */
const mostSpans = 8;

/**
 * For each row of blocks the spans that end with it, from the longest: later blocks of a row add least.
 * @param model in float, cleaned
 */
export function residualSpans(model: Model, preprocessing: Preprocessing): ResidualSpan[][] {
  const { graph } = atImageSize(model, preprocessing);
  const cuts = cutPoints(model, preprocessing, [0, 1]);
  const rows: CutPoint[][] = [];
  for (const [i, cut] of cuts.entries()) {
    const before = cuts[i - 1];
    if (before && isShortcut(graph.value(before.name)!, graph.value(cut.name)!)) rows.at(-1)!.push(cut);
    else rows.push([cut]);
  }
  return rows.flatMap((row) => {
    const last = row.at(-1)!;
    const spans = row
      .slice(0, -1)
      .map((from): ResidualSpan => ({ from, to: last.name, share: last.share - from.share }));
    return spans.length > 0 ? [spans.slice(0, mostSpans)] : [];
  });
}

/** Whether `to` is `from` and something added, at most behind an activation, in the same shape. */
function isShortcut(from: Value, to: Value): boolean {
  if (from.shape === null || `${from.shape}` !== `${to.shape}`) return false;
  let maker = to.producer;
  if (maker && !maker.is("Add") && isElementwise(maker)) maker = maker.input(0)?.producer ?? null;
  return maker?.is("Add") === true && maker.inputs.includes(from);
}
