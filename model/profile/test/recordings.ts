/** A recording small enough to add up by hand. */
import type { TraceEvent } from "@cupel/runtime";
import type { CpuProfile, Recording } from "../src/recording.ts";

const call = (id: number, functionName: string, url: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url, lineNumber: 9 },
  children,
});

/** 1,000 µs: main 100, main > decode 300, idle 400, main > decode again 150, collector 50. */
export const profile: CpuProfile = {
  nodes: [
    call(1, "(root)", "", [2, 4, 5]),
    call(2, "main", "file:///home/someone/project/src/main.ts", [3]),
    call(3, "decode", "node:zlib"),
    call(4, "(idle)", ""),
    call(5, "(garbage collector)", ""),
  ],
  startTime: 5000,
  endTime: 6000,
  samples: [2, 3, 4, 3, 5],
  timeDeltas: [0, 100, 300, 400, 150],
};

const kernel = (
  name: string,
  opType: string,
  ts: number,
  dur: number,
  shapes: number[][] = [],
): TraceEvent => {
  const [output, ...inputs] = shapes.map((float) => ({ float }));
  return {
    cat: "Node",
    name: `${name}_kernel_time`,
    ts,
    dur,
    args: {
      node_index: name,
      op_name: opType,
      provider: "CPUExecutionProvider",
      ...(output ? { output_type_shape: [output], input_type_shape: inputs } : {}),
    },
  };
};
const session = (name: string, ts: number, dur: number): TraceEvent => ({ cat: "Session", name, ts, dur });

/** Output [1, 8, 4, 4] of 3 x 3 over 4 channels: 128 outputs of 36 products. */
const conv = [
  [1, 8, 4, 4],
  [1, 4, 4, 4],
  [8, 4, 3, 3],
];
export const convMacs = 128 * 36;
/** [2, 16] times [16, 10], the left factor transposed. */
const gemm = [
  [2, 10],
  [16, 2],
  [16, 10],
];
export const gemmMacs = 2 * 16 * 10;

/** A first run of 900 µs, then two of 400 µs, whose nodes take 380. */
export const events: readonly TraceEvent[] = [
  session("model_loading_uri", 0, 200),
  session("session_initialization", 200, 300),
  session("model_run", 600, 900),
  kernel("layer1.0.conv1", "Conv", 600, 880, conv),
  session("model_run", 2000, 400),
  kernel("layer1.0.conv1", "Conv", 2000, 240, conv),
  kernel("layer1.0.relu_nchwc", "Relu", 2240, 60),
  kernel("fc", "FusedGemm", 2300, 80, gemm),
  session("model_run", 3000, 400),
  kernel("layer1.0.conv1", "Conv", 3000, 260, conv),
  kernel("layer1.0.relu_nchwc", "Relu", 3260, 40),
  kernel("fc", "FusedGemm", 3300, 80, gemm),
];

export const recording: Recording = {
  threads: [{ name: "main thread", pieces: [profile], offset: -5000 }],
  engines: [{ name: "tiny.onnx", events, offset: 100 }],
};
