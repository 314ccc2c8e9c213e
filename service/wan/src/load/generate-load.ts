/** Generates load from a process of its own, at a place. */
import { moduleBeside } from "@cupel/base";
import { startJob } from "../link/job-process.ts";
import type { Place } from "../link/place.ts";
import type { GeneratorJob, GeneratorResult } from "./generator-process.ts";

/** @throws LOAD_FAILED */
export async function generateLoad(
  job: GeneratorJob,
  options: { readonly place: Place; readonly signal?: AbortSignal | undefined },
): Promise<GeneratorResult> {
  const entry = moduleBeside(import.meta.url, "generator-process");
  await using process = startJob(entry, job, { ...options, name: "The load generator" });
  // The generator writes nothing else.
  return (await process.result) as GeneratorResult;
}
