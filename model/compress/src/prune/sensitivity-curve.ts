/** How much the outputs move when one group alone loses channels, the least important first: what a person chooses widths by. */
import { silentProgress, throwIfCancelled } from "@cupel/base";
import { cloneModel, type Model } from "@cupel/onnx";
import { type Outputs, outputsOf, relativeError, type TrialContext } from "../calibrate/rounding-error.ts";
import type { StageContext } from "../stage/stage.ts";
import type { ChannelGroup } from "./channel-groups.ts";
import { ranked } from "./choose-channels.ts";
import { followChannels } from "./follow-channels.ts";
import type { Importance } from "./importance.ts";
import type { SensitivityPoint } from "./pruned.ts";
import { removeChannels } from "./remove-channels.ts";

/** Shares of a group that stay. */
const shares = [0.75, 0.5, 0.25];

/** By name of the group. */
export async function sensitivityCurves(
  model: Model,
  groups: readonly ChannelGroup[],
  importance: Importance,
  reference: Outputs,
  context: StageContext & TrialContext,
): Promise<ReadonlyMap<string, readonly SensitivityPoint[]>> {
  using task = (context.progress ?? silentProgress).start("Measuring sensitivity", groups.length, "groups");
  const curves = new Map<string, SensitivityPoint[]>();
  for (const { name, channels } of groups) {
    const order = ranked(channels, importance);
    const points: SensitivityPoint[] = [{ kept: channels.length, divergence: 0 }];
    for (const share of shares) {
      throwIfCancelled(context.signal, "Measuring sensitivity");
      const kept = Math.ceil(channels.length * share);
      if (kept >= points.at(-1)!.kept) continue;
      const removed = new Set(order.slice(0, channels.length - kept));
      const divergence = relativeError(reference, await outputsOf(() => without(model, removed), context));
      points.push({ kept, divergence });
    }
    curves.set(name, points);
    task.advance();
  }
  return curves;
}

/** A copy without these channels. */
function without(model: Model, removed: ReadonlySet<number>): Model {
  const copy = cloneModel(model);
  removeChannels(copy, followChannels(copy), removed);
  return copy;
}
