/** A run of a model, a load or an unload: one request of its own to limits and to the record, inside an operation. */
import { type GraphQLResolveInfo, responsePathAsArray } from "graphql";
import type { Call } from "../../core/call.ts";
import type { StageTimes } from "../../core/inference.ts";
import type { Operation } from "../operation.ts";

export type RunAction = "infer" | "predict" | "load" | "unload";

/** @param work is given the call of the run. @throws what it throws; RATE_LIMIT; the end of the operation */
export async function run<T>(
  { call, work, timing }: Operation,
  action: RunAction,
  path: string,
  perform: (call: Call) => Promise<T>,
): Promise<{ readonly result: T; readonly times: StageTimes }> {
  return await work.run(async () => {
    using part = call.part(action);
    const { times } = part;
    try {
      const result = await perform(part);
      timing?.push({ path, times });
      return { result, times };
    } catch (thrown) {
      part.failed?.(thrown);
      throw thrown;
    }
  });
}

export function pathOf({ path }: GraphQLResolveInfo): string {
  return responsePathAsArray(path).join(".");
}

/** How long something took is added to a stage, in ms. */
export function timed<T>(times: StageTimes, stage: "decode" | "encode", work: () => T): T {
  const start = performance.now();
  try {
    return work();
  } finally {
    times[stage] = (times[stage] ?? 0) + performance.now() - start;
  }
}
