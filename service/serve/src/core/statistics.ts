/**
 * What each version of each model was asked since the server started: how often, how long, with what success. In memory,
 * a few numbers a version.
 */
import { type Clock, systemClock } from "@cupel/base";
import type { Instruments, LabelsOf } from "../operations/instruments.ts";
import type { StageTimes } from "./inference.ts";

export interface CountedTime {
  readonly count: number;
  /** The sum, in ms. */
  readonly ms: number;
}

export interface VersionStatistics {
  readonly model: string;
  readonly version: string;
  /** When it last answered, in ms since 1970; 0 where it has not. */
  readonly lastInference: number;
  /** Rows answered: images of a batch count each. */
  readonly rows: number;
  /** Runs of the engine, in each of which requests may be joined. */
  readonly runs: number;
  /** Requests, from their validation to their answer. */
  readonly success: CountedTime;
  readonly fail: CountedTime;
  /** Of the requests that were answered. */
  readonly queue: CountedTime;
  /** Decoding, and joining with others. */
  readonly input: CountedTime;
  readonly run: CountedTime;
}

/** A request that is being answered: it failed unless it is told otherwise before it is disposed. */
export interface CountedRequest extends Disposable {
  succeeded(): void;
}

export interface Statistics {
  begin(
    asked: { readonly model: string; readonly version: string },
    rows: number,
    times: StageTimes,
  ): CountedRequest;
  /** @param model default: all; of a version, or of all */
  of(model?: string, version?: string): readonly VersionStatistics[];
  /** The same instruments, of which runs are counted here too. */
  countingRuns(instruments: Instruments): Instruments;
}

type Mutable = { -readonly [Name in keyof VersionStatistics]: VersionStatistics[Name] };

export function createStatistics(clock: Clock = systemClock): Statistics {
  const versions = new Map<string, Mutable>();
  const entry = (model: string, version: string): Mutable => {
    const key = `${version}/${model}`;
    const known = versions.get(key);
    if (known) return known;
    const none: CountedTime = { count: 0, ms: 0 };
    const counts = { success: none, fail: none, queue: none, input: none, run: none };
    const made: Mutable = { model, version, lastInference: 0, rows: 0, runs: 0, ...counts };
    versions.set(key, made);
    return made;
  };
  return {
    begin({ model, version }, rows, times) {
      const start = clock.monotonic();
      let isSuccess = false;
      return {
        succeeded() {
          isSuccess = true;
        },
        [Symbol.dispose]() {
          const found = entry(model, version);
          const elapsed = clock.monotonic() - start;
          if (!isSuccess) {
            found.fail = plus(found.fail, elapsed);
            return;
          }
          found.success = plus(found.success, elapsed);
          found.queue = plus(found.queue, times.queue);
          found.input = plus(found.input, (times.decode ?? 0) + (times.batch ?? 0));
          found.run = plus(found.run, times.run);
          found.rows += rows;
          found.lastInference = clock.now();
        },
      };
    },
    of: (model, version) =>
      [...versions.values()]
        .filter((each) => model === undefined || each.model === model)
        .filter((each) => version === undefined || each.version === version)
        .map((each) => ({ ...each })),
    countingRuns: (instruments) => ({
      count: (name, labels, by) => instruments.count(name, labels, by),
      set: (name, labels, value) => instruments.set(name, labels, value),
      observe(name, labels, value) {
        const { model, version }: Partial<LabelsOf<"batchRows">> = labels;
        if (name === "batchRows" && model !== undefined && version !== undefined)
          entry(model, version).runs++;
        instruments.observe(name, labels, value);
      },
    }),
  };
}

function plus({ count, ms }: CountedTime, more: number | undefined): CountedTime {
  return { count: count + 1, ms: ms + (more ?? 0) };
}
