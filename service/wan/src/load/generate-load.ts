/**
 * Generates load from a process of its own, at a place. One process for many runs: what it runs is compiled in the first of
 * them, and requests of the others are sent on time.
 */
import { moduleBeside } from "@cupel/base";
import { startJob } from "../link/job-process.ts";
import type { Place } from "../link/place.ts";
import type { GeneratorJob, GeneratorResult } from "./generator-process.ts";

/**
 * Room for all that a run allocates, about 150 KB a call: collecting it would hold requests back for 20 to 250 ms at a time, so
 * it is collected before each run.
 * A run that needs more is collected as ever. Memory is taken as it is used.
 */
const withoutCollections = [
  "--min-semi-space-size=1024",
  "--max-semi-space-size=1024",
  "--max-old-space-size=8192",
  "--expose-gc",
];

export interface GeneratorOptions {
  readonly place: Place;
  readonly signal?: AbortSignal | undefined;
}

export interface LoadGenerator extends AsyncDisposable {
  /** One run after another. @throws LOAD_FAILED */
  generate(job: GeneratorJob): Promise<GeneratorResult>;
}

export function openGenerator(options: GeneratorOptions): LoadGenerator {
  const entry = moduleBeside(import.meta.url, "generator-process");
  const process = startJob(entry, null, {
    ...options,
    name: "The load generator",
    flags: withoutCollections,
  });
  return {
    async generate(job) {
      await process.ready;
      // The generator answers nothing else.
      return (await process.ask(job)) as GeneratorResult;
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** A single run. @throws LOAD_FAILED */
export async function generateLoad(job: GeneratorJob, options: GeneratorOptions): Promise<GeneratorResult> {
  await using generator = openGenerator(options);
  return await generator.generate(job);
}
