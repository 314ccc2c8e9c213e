/** The engine's trace as frames: a session's life, its runs, their layers by name, and the nodes in them. */
import { own } from "@cupel/base";
import type { TraceEvent } from "@cupel/runtime";
import { type FlameFrame, frameOf, slowestFirst, sumOf } from "./flame-frame.ts";
import { isKernel, isRun, kernelName, layerPath, nodeOf } from "./kernel.ts";
import type { EngineRecording } from "./recording.ts";

const loading: Readonly<Record<string, string>> = {
  model_loading_uri: "read the model",
  model_loading_array: "read the model",
  session_initialization: "optimise the graph",
};

/** Runs are summed. What a run takes beside its nodes (scheduling, copies at its edges) is its own time. */
export function engineFrame({ name, events }: EngineRecording): FlameFrame {
  const phases = events
    .filter((event) => event.cat === "Session" && Object.hasOwn(loading, event.name))
    .map((event) => ({ ...emptyFrame(own(loading, event.name)!), us: event.dur }));
  const runs = events.filter(isRun);
  const layers = layerFrames(events.filter(isKernel));
  const run: FlameFrame = {
    ...emptyFrame(runs.length === 1 ? "1 run" : `${runs.length} runs`),
    // Events have whole microseconds each: many small nodes can add up to more than their run.
    us: Math.max(sumDurations(runs), sumOf(layers)),
    children: layers,
  };
  return frameOf(`session ${name}`, "thread", [...phases, ...(runs.length > 0 ? [run] : [])]);
}

interface Layer {
  readonly layers: Map<string, Layer>;
  /** By operator and name. */
  readonly kernels: Map<string, { name: string; full: string; opType: string; us: number; runs: number }>;
}

const emptyLayer = (): Layer => ({ layers: new Map(), kernels: new Map() });

function layerFrames(kernels: readonly TraceEvent[]): FlameFrame[] {
  const root = emptyLayer();
  for (const event of kernels) {
    const opType = event.args?.op_name ?? "";
    const full = kernelName(nodeOf(event));
    const path = layerPath(full);
    const name = path.pop() ?? "";
    let at = root;
    for (const part of path) {
      const next = at.layers.get(part) ?? emptyLayer();
      at.layers.set(part, next);
      at = next;
    }
    const key = `${opType} ${name} ${event.args?.node_index}`;
    const kernel = at.kernels.get(key) ?? { name, full, opType, us: 0, runs: 0 };
    at.kernels.set(key, { ...kernel, us: kernel.us + event.dur, runs: kernel.runs + 1 });
  }
  return framesOf(root);
}

/** @param within the name of the layer, for those inner ones that are only numbered: "layer1.0" */
function framesOf({ layers, kernels }: Layer, within = ""): FlameFrame[] {
  const nodes = Array.from(kernels.values(), ({ name, full, opType, us, runs }): FlameFrame => {
    const label = name.startsWith(opType) ? name : `${opType} ${name}`;
    return {
      name: label,
      kind: "kernel",
      us,
      note: `${full}, ${runs === 1 ? "once" : `${runs} times`}`,
      children: [],
    };
  });
  const inner = Array.from(layers, ([part, layer]) => {
    const name = /^\d+$/.test(part) && within !== "" ? `${within}.${part}` : part;
    return merged(name, framesOf(layer, name));
  });
  return slowestFirst([...nodes, ...inner]);
}

/** A layer that holds one layer only is one box with both names. */
function merged(name: string, children: readonly FlameFrame[]): FlameFrame {
  const [only] = children;
  if (children.length === 1 && only!.kind === "engine") {
    return only!.name.startsWith(`${name}.`) ? only! : { ...only!, name: `${name}.${only!.name}` };
  }
  return frameOf(name, "engine", children, "layer");
}

function emptyFrame(name: string): FlameFrame {
  return { name, kind: "engine", us: 0, note: "", children: [] };
}

function sumDurations(events: readonly TraceEvent[]): number {
  return events.reduce((sum, { dur }) => sum + dur, 0);
}
