/** What was counted, in Triton's message: durations in ns; how often the engine ran is not known here and is left out. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Call } from "../core/call.ts";
import type { InferenceService } from "../core/inference-service.ts";
import type { ModelStatistics, Spent, StatisticsSource } from "../core/model-statistics.ts";
import { serveErrors } from "../errors.ts";
import type { ModelStatisticsSchema } from "./gen/inference/inference_service_pb.ts";

export interface Asked {
  /** Default: all that the caller may see. */
  readonly model: string | undefined;
  /** Default: all. */
  readonly version: string | undefined;
}

/** @throws MODEL_UNKNOWN, VERSION_UNKNOWN, MODEL_NOT_READY, FORBIDDEN; ROUTE_UNKNOWN where nothing is counted */
export function modelStatistics(
  service: InferenceService,
  statistics: StatisticsSource | null,
  call: Call,
  { model, version }: Asked,
): MessageInitShape<typeof ModelStatisticsSchema>[] {
  if (statistics === null) throw serveErrors.error("ROUTE_UNKNOWN", "The server counts no statistics.");
  if (model !== undefined) {
    service.modelMetadata(model, version, call);
    return statistics.of(model, version).map(message);
  }
  const seen = new Set(service.repositoryIndex(call).map(({ name }) => name));
  return statistics
    .of()
    .filter((entry) => seen.has(entry.model))
    .map(message);
}

function message(entry: ModelStatistics): MessageInitShape<typeof ModelStatisticsSchema> {
  const { success, failure, stages } = entry;
  return {
    name: entry.model,
    version: entry.version,
    lastInference: BigInt(entry.lastAnswer),
    inferenceCount: BigInt(success.count),
    inferenceStats: {
      success: duration(success),
      fail: duration(failure),
      queue: duration(stages.queue),
      computeInput: duration(stages.decode),
      computeInfer: duration(stages.run),
    },
  };
}

function duration({ count, ms }: Spent) {
  return { count: BigInt(count), ns: BigInt(Math.round(ms * 1e6)) };
}
