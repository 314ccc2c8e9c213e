/**
 * How fast models are, compared fairly on a noisy machine: their runs are interleaved, so that whatever
 * slows the machine slows all of them, and ratios are taken between runs of the same round.
 *
 * Times are those inside the engine. The thread boundary adds about as much to every model, which would
 * flatter the slower of two small ones.
 */
import {
  type MedianInterval,
  medianInterval,
  own,
  type Spread,
  silentProgress,
  spreadOf,
  throwIfCancelled,
  type WorkOptions,
} from "@cupel/base";
import { runtimeErrors } from "../errors.ts";
import type { EngineTuning } from "../session/engine-options.ts";
import type { Feeds } from "../session/feeds.ts";
import type { ModelSource } from "../session/model-source.ts";
import { type InferenceSession, openSession } from "../session/session.ts";
import type { InputForms } from "./feed-dims.ts";
import { randomFeeds } from "./random-feeds.ts";

export interface LatencyOptions extends WorkOptions, EngineTuning {
  /** Rounds that count; each runs every model once. Default 50. */
  readonly runs?: number | undefined;
  /**
   * Milliseconds that all rounds should take at least: fast models get up to five times as many, for short times are
   * measured badly. Default 0.
   */
  readonly leastMs?: number | undefined;
  /** Rounds before them that do not. Default 5. */
  readonly warmup?: number | undefined;
  /** Images a run when throughput is measured as well. Default: it is not. */
  readonly batch?: number | undefined;
  /** Default 1. */
  readonly seed?: number | undefined;
  /** What sessions are opened with, such as a profiler's `open`. Default: `openSession`. */
  readonly open?: typeof openSession | undefined;
}

/** A model to measure. */
export interface MeasuredModel {
  readonly name: string;
  readonly model: ModelSource;
  /** Sizes that the model leaves open, and inputs that take no random values. Default: see `feedDims`. */
  readonly inputs?: InputForms | undefined;
  /** What single images are, in place of random numbers, each round the next of them. Default: random, the same in all. */
  readonly feeds?: readonly Feeds[] | undefined;
}

export interface Latency {
  readonly name: string;
  /** Rounds that were measured. */
  readonly runs: number;
  /** Milliseconds for one image. */
  readonly latency: Spread;
  /** The milliseconds themselves, by round. */
  readonly times: readonly number[];
  /** Time of the first model over this one's, by round: above 1 means faster than the first. */
  readonly ratio: Spread;
  /** This model's time over the first's in the same round: the median, with its 95 % interval. */
  readonly timeRatio: MedianInterval;
  readonly throughput: { readonly batch: number; readonly imagesPerSecond: number } | null;
}

interface Contestant {
  readonly session: InferenceSession;
  /** At least one; each round takes the next. */
  readonly feeds: readonly Feeds[];
}

/** A model's idle threads must not spin while another model is on. */
const quietConfig = { "session.force_spinning_stop": "1" };

/** @throws what `openSession` and `InferenceSession.run` throw, INPUT_SHAPE_MISMATCH when a model cannot take the batch */
export async function measureLatency(
  models: readonly MeasuredModel[],
  options: LatencyOptions = {},
): Promise<Latency[]> {
  const {
    runs = 50,
    leastMs = 0,
    warmup = 5,
    batch,
    seed = 1,
    open = openSession,
    signal,
    progress = silentProgress,
    ...tuning
  } = options;
  await using stack = new AsyncDisposableStack();
  const sessions: InferenceSession[] = [];
  for (const { model } of models) {
    const session = await open(model, {
      ...tuning,
      configEntries: { ...quietConfig, ...tuning.configEntries },
      signal,
    });
    sessions.push(stack.use(session));
  }
  using task = progress.start("Measuring latency", (batch === undefined ? 1 : 2) * (warmup + runs), "rounds");
  const rounds = (contestants: readonly Contestant[]) =>
    interleave(contestants, { runs, leastMs, warmup, signal, onRound: () => task.advance() });

  const single = await rounds(
    sessions.map((session, i) => {
      const { inputs, feeds = [{}] } = models[i]!;
      const random = randomFeeds(session.inputs, seed, inputs);
      return { session, feeds: feeds.map((given) => ({ ...random, ...given })) };
    }),
  );
  const batched =
    batch === undefined
      ? null
      : await rounds(
          sessions.map((session, i) => ({
            session,
            feeds: [batchFeeds(session, batch, seed, models[i]!)],
          })),
        );

  return models.map(({ name }, i) => ({
    name,
    runs: single[i]!.length,
    latency: spreadOf(single[i]!),
    times: single[i]!,
    ratio: spreadOf(single[i]!.map((ms, round) => single[0]![round]! / ms)),
    timeRatio: medianInterval(single[i]!.map((ms, round) => ms / single[0]![round]!)),
    throughput:
      batched && batch !== undefined
        ? { batch, imagesPerSecond: (batch * 1000) / spreadOf(batched[i]!).median }
        : null,
  }));
}

/** A round more than was asked for is no progress, and no more than so many times as many are made. */
const mostRounds = 5;

/** Milliseconds by contestant and round. Each round begins with another contestant, so that none always follows the same one. */
async function interleave(
  contestants: readonly Contestant[],
  options: {
    runs: number;
    leastMs: number;
    warmup: number;
    signal: AbortSignal | undefined;
    onRound: () => void;
  },
): Promise<number[][]> {
  const times = contestants.map((): number[] => []);
  const { runs, leastMs, warmup } = options;
  let allMs = 0;
  const isDone = (round: number) => round >= runs && (allMs >= leastMs || round >= mostRounds * runs);
  for (let round = 0; !isDone(round - warmup); round++) {
    throwIfCancelled(options.signal, "Measuring latency");
    for (let turn = 0; turn < contestants.length; turn++) {
      const i = (round + turn) % contestants.length;
      const { session, feeds } = contestants[i]!;
      const fed = feeds[round % feeds.length]!;
      if (round < warmup) {
        await session.warmUp(fed);
        continue;
      }
      const { engineMs } = await session.timedRun(fed);
      times[i]!.push(engineMs);
      allMs += engineMs;
    }
    if (round < warmup + runs) options.onRound();
  }
  return times;
}

function batchFeeds(
  session: InferenceSession,
  batch: number,
  seed: number,
  { name, inputs }: MeasuredModel,
): Feeds {
  const feeds = randomFeeds(session.inputs, seed, { ...inputs, batch });
  const fixed = session.inputs.find((input) => own(feeds, input.name)!.dims[0] !== batch);
  if (fixed === undefined) return feeds;
  throw runtimeErrors.error(
    "INPUT_SHAPE_MISMATCH",
    `The input "${fixed.name}" of ${name} is fixed to ${fixed.dims[0]} images a run, so its throughput at ${batch} cannot be ` +
      "measured. Give the model a symbolic batch dimension.",
    { details: { name: fixed.name, batch } },
  );
}
