/**
 * Learning-rate schedules as data: a pure function of the step and of the number of steps, so that a
 * resumed training has the same learning rates.
 */
import { trainErrors } from "../errors.ts";

interface Warmup {
  /** The largest learning rate. */
  readonly learningRate: number;
  /** Steps over which the learning rate first rises in a line to `learningRate` (Goyal et al. 2017). Default 0. */
  readonly warmup?: number;
}

export type Schedule =
  | ({ readonly kind: "constant" } & Warmup)
  /** Times `factor` (default 0.1) at each milestone, a share of all steps. Default at 0.5 and 0.75. */
  | ({
      readonly kind: "step";
      readonly factor?: number;
      readonly milestones?: readonly number[];
    } & Warmup)
  /** Half a cosine from `learningRate` to `final` (default 0): Loshchilov and Hutter 2017, without restarts. */
  | ({ readonly kind: "cosine"; readonly final?: number } & Warmup)
  /**
   * Smith and Topin 2018 with the curves of PyTorch's OneCycleLR: up from learning rate / 25 for a share `rise` of the
   * steps (default 0.3), then down to a 250,000th of the learning rate, half a cosine each.
   */
  | { readonly kind: "one-cycle"; readonly learningRate: number; readonly rise?: number };

/** The learning rate of a step, counted from 0, of `total`. The schedule MUST have passed `checkSchedule`. */
export function learningRateAt(schedule: Schedule, step: number, total: number): number {
  if (schedule.kind === "one-cycle") return oneCycle(schedule, step, total);
  const { learningRate, warmup = 0 } = schedule;
  if (step < warmup) return (learningRate * (step + 1)) / warmup;
  switch (schedule.kind) {
    case "constant":
      return learningRate;
    case "step": {
      const { factor = 0.1, milestones = [0.5, 0.75] } = schedule;
      return learningRate * factor ** milestones.filter((share) => step >= share * total).length;
    }
    case "cosine":
      return halfCosine(learningRate, schedule.final ?? 0, (step - warmup) / (total - warmup));
  }
}

function oneCycle(
  { learningRate, rise = 0.3 }: Extract<Schedule, { kind: "one-cycle" }>,
  step: number,
  total: number,
): number {
  const [first, last] = [learningRate / 25, learningRate / 25 / 1e4];
  const top = rise * total - 1;
  if (step <= top) return halfCosine(first, learningRate, top > 0 ? step / top : 1);
  return halfCosine(learningRate, last, (step - top) / (total - 1 - top));
}

/** From `from` at 0 to `to` at 1. */
function halfCosine(from: number, to: number, at: number): number {
  return to + ((from - to) * (1 + Math.cos(Math.PI * at))) / 2;
}

/** @throws TRAINING_CONFIG_INVALID */
export function checkSchedule(schedule: Schedule, total: number): void {
  const isShare = (value: number) => value > 0 && value < 1;
  if (!(schedule.learningRate > 0 && Number.isFinite(schedule.learningRate))) {
    throw invalid(`learningRate ${schedule.learningRate} is not above 0`);
  }
  if (schedule.kind === "one-cycle") {
    if (!isShare(schedule.rise ?? 0.3)) throw invalid(`rise ${schedule.rise} is not between 0 and 1`);
    return;
  }
  const { warmup = 0 } = schedule;
  if (!(Number.isInteger(warmup) && warmup >= 0 && warmup < total)) {
    throw invalid(`warmup ${warmup} is no whole number of steps below the ${total} of this training`);
  }
  if (schedule.kind === "step" && !(schedule.milestones ?? []).every(isShare)) {
    throw invalid(`milestones [${schedule.milestones}] are not shares between 0 and 1`);
  }
}

function invalid(reason: string) {
  return trainErrors.error("TRAINING_CONFIG_INVALID", `The schedule cannot be used: ${reason}.`);
}
