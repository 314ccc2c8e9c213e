/** How often each version answered and how long it took, as Triton's statistics have it: since the server started. */
import { errorFrom } from "@cupel/base";
import type { Call } from "./call.ts";
import type { StageTimes } from "./inference.ts";
import type { InferenceService } from "./inference-service.ts";

export interface Spent {
  readonly count: number;
  readonly ms: number;
}

export interface ModelStatistics {
  readonly model: string;
  readonly version: string;
  /** Of the last answer, ms since the epoch. */
  readonly lastAnswer: number;
  /** Requests answered, and those that failed, with the whole time of each. */
  readonly success: Spent;
  readonly failure: Spent;
  /** Of the answered. */
  readonly stages: Readonly<Record<CountedStage, Spent>>;
}

export interface StatisticsSource {
  /** Of one model or all, of one version or all that answered. */
  of(model?: string, version?: string): readonly ModelStatistics[];
}

/** Stages that are over when the service answers. */
export const countedStages = ["decode", "queue", "run"] as const satisfies readonly (keyof StageTimes)[];
export type CountedStage = (typeof countedStages)[number];

interface Tally {
  count: number;
  ms: number;
}
interface Entry extends ModelStatistics {
  lastAnswer: number;
  readonly success: Tally;
  readonly failure: Tally;
  readonly stages: Readonly<Record<CountedStage, Tally>>;
}

/** Codes of requests that no version saw. */
const ofNoVersion: ReadonlySet<string> = new Set(["MODEL_UNKNOWN", "VERSION_UNKNOWN", "MODEL_NOT_READY"]);

/** A service that counts what the given one answers. */
export function withStatistics(service: InferenceService): {
  readonly service: InferenceService;
  readonly statistics: StatisticsSource;
} {
  const entries = new Map<string, Entry>();
  /** The version that answered last, by model: a failed request does not say which version it would have had. */
  const current = new Map<string, string>();

  const entryOf = (model: string, version: string): Entry => {
    const key = `${model}\0${version}`;
    const entry = entries.get(key) ?? emptyEntry(model, version);
    entries.set(key, entry);
    return entry;
  };
  const counted = async <Answer extends { readonly model: string; readonly version: string }>(
    { model, version }: { readonly model: string; readonly version?: string | undefined },
    call: Call,
    run: () => Promise<Answer>,
  ): Promise<Answer> => {
    const start = performance.now();
    try {
      const answer = await run();
      const entry = entryOf(answer.model, answer.version);
      entry.lastAnswer = Date.now();
      current.set(answer.model, answer.version);
      add(entry.success, performance.now() - start);
      for (const stage of countedStages) add(entry.stages[stage], call.times[stage]);
      return answer;
    } catch (thrown) {
      const asked = version ?? current.get(model);
      if (asked !== undefined && !ofNoVersion.has(errorFrom(thrown).code)) {
        add(entryOf(model, asked).failure, performance.now() - start);
      }
      throw thrown;
    }
  };
  return {
    service: {
      ...service,
      infer: (request, call) => counted(request, call, () => service.infer(request, call)),
      predict: (request, call) => counted(request, call, () => service.predict(request, call)),
    },
    statistics: {
      of: (model, version) =>
        [...entries.values()].filter(
          (entry) =>
            (model === undefined || entry.model === model) &&
            (version === undefined || entry.version === version),
        ),
    },
  };
}

function emptyEntry(model: string, version: string): Entry {
  const tally = (): Tally => ({ count: 0, ms: 0 });
  const stages = { decode: tally(), queue: tally(), run: tally() };
  return { model, version, lastAnswer: 0, success: tally(), failure: tally(), stages };
}

function add(tally: Tally, ms: number | undefined): void {
  if (ms === undefined) return;
  tally.count++;
  tally.ms += ms;
}
