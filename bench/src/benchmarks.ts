/** The table of benchmarks. To add one: a file, and a row here. */
import { accuracy } from "./accuracy.ts";
import { attestStart } from "./attest-start.ts";
import { audit } from "./audit.ts";
import { auditRing } from "./audit-ring.ts";
import { batchNorm } from "./batch-norm.ts";
import type { Benchmark } from "./benchmark.ts";
import { calibration } from "./calibration.ts";
import { channelMask } from "./channel-mask.ts";
import { compressCost } from "./compress-cost.ts";
import { compressPeers } from "./compress-peers.ts";
import { dataParallel } from "./data-parallel.ts";
import { dropped } from "./dropped.ts";
import { engineCache } from "./engine-cache.ts";
import { envTrace } from "./env-trace.ts";
import { fusionTrap } from "./fusion-trap.ts";
import { graphSize } from "./graph-size.ts";
import { imagePath } from "./image-path.ts";
import { int8Latency } from "./int8-latency.ts";
import { isolation } from "./isolation.ts";
import { latencyTable } from "./latency-table.ts";
import { mappedWeights } from "./mapped-weights.ts";
import { preprocessingThroughput } from "./preprocessing-throughput.ts";
import { prunedLatency } from "./pruned-latency.ts";
import { serve } from "./serve.ts";
import { serveAudit } from "./serve-audit.ts";
import { serveFaces } from "./serve-faces.ts";
import { serveLoad } from "./serve-load.ts";
import { serveMemory } from "./serve-memory.ts";
import { serveReload } from "./serve-reload.ts";
import { sharedMap } from "./shared-map.ts";
import { textAccuracy } from "./text-accuracy.ts";
import { trainingStep } from "./training-step.ts";
import { widthSearch } from "./width-search.ts";
import { windowDetector } from "./window-detector.ts";
import { wireFormats } from "./wire-formats.ts";
import { zipDigests } from "./zip-digests.ts";

export const benchmarks: readonly Benchmark[] = [
  int8Latency,
  prunedLatency,
  widthSearch,
  batchNorm,
  channelMask,
  latencyTable,
  compressCost,
  calibration,
  accuracy,
  compressPeers,
  textAccuracy,
  windowDetector,
  fusionTrap,
  preprocessingThroughput,
  imagePath,
  graphSize,
  trainingStep,
  dataParallel,
  sharedMap,
  isolation,
  engineCache,
  mappedWeights,
  dropped,
  serve,
  serveLoad,
  serveMemory,
  serveReload,
  serveAudit,
  serveFaces,
  wireFormats,
  audit,
  auditRing,
  zipDigests,
  attestStart,
  envTrace,
];
