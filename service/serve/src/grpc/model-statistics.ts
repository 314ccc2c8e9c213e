/** What a version was asked, in Triton's message: durations in ns. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CountedTime, VersionStatistics } from "../core/statistics.ts";
import type { ModelStatisticsSchema } from "./gen/inference/inference_service_pb.ts";

export function modelStatistics(of: VersionStatistics): MessageInitShape<typeof ModelStatisticsSchema> {
  return {
    name: of.model,
    version: of.version,
    lastInference: BigInt(Math.floor(of.lastInference)),
    inferenceCount: BigInt(of.rows),
    executionCount: BigInt(of.runs),
    inferenceStats: {
      success: duration(of.success),
      fail: duration(of.fail),
      queue: duration(of.queue),
      computeInput: duration(of.input),
      computeInfer: duration(of.run),
      // Written when the answer is already counted.
      computeOutput: {},
    },
  };
}

function duration({ count, ms }: CountedTime) {
  return { count: BigInt(count), ns: BigInt(Math.round(ms * 1e6)) };
}
