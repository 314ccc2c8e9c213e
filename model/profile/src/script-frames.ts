/** V8's samples: what a thread's JavaScript did, summed into stacks or laid out in time. */
import { own } from "@cupel/base";
import { type FlameFrame, type FrameKind, slowestFirst, sumOf } from "./flame-frame.ts";
import type { CpuProfile, CpuProfileNode, ThreadRecording } from "./recording.ts";

/** A call as it happened, microseconds of the recording. */
export interface Slice {
  readonly name: string;
  readonly note: string;
  readonly start: number;
  readonly end: number;
}

/** The work of a thread by stack. Time in which the thread waited is in the note, not in the frame. */
export function scriptFrame({ name, pieces }: ThreadRecording): FlameFrame {
  const root = emptyStack();
  let idle = 0;
  for (const profile of pieces) {
    const stacks = stacksOf(profile);
    for (const { id, start, end } of samplesOf(profile)) {
      const stack = stacks.get(id);
      if (!stack) idle += end - start;
      else descend(root, stack).us += end - start;
    }
  }
  const children = framesOf(root);
  const total = sumOf(children);
  const waited = total + idle === 0 ? 0 : idle / (total + idle);
  return {
    name,
    kind: "thread",
    us: total,
    note: `waiting ${Math.round(100 * waited)} % of the time`,
    children,
  };
}

/** The calls of a thread in the order they began, outer before inner: samples whose stacks agree are one call. */
export function scriptSlices({ pieces, offset }: ThreadRecording): Slice[] {
  const slices: Slice[] = [];
  for (const profile of pieces) {
    const stacks = stacksOf(profile);
    let open: { node: CpuProfileNode; start: number; slot: number }[] = [];
    const close = (depth: number, end: number) => {
      for (const { node, start, slot } of open.splice(depth)) {
        slices[slot] = { ...labelOf(node), start: start + offset, end: end + offset };
      }
    };
    for (const { id, start, end } of samplesOf(profile)) {
      const stack = stacks.get(id) ?? [];
      let same = 0;
      while (same < stack.length && open[same]?.node === stack[same]) same++;
      close(same, start);
      for (const node of stack.slice(same)) {
        open.push({ node, start, slot: slices.length });
        slices.push({ ...labelOf(node), start, end });
      }
    }
    close(0, profile.endTime);
    open = [];
  }
  return slices;
}

/** A sample stands for the time until the next one. */
function* samplesOf({ samples = [], timeDeltas = [], startTime, endTime }: CpuProfile) {
  let start = startTime;
  for (const [index, id] of samples.entries()) {
    start += timeDeltas[index] ?? 0;
    // V8 does not promise deltas above zero, nor an end after the last sample.
    const end = start + (timeDeltas[index + 1] ?? Math.max(0, endTime - start));
    if (end > start) yield { id, start, end };
  }
}

/** For each node the calls that lead to it, outermost first. None for waiting. */
function stacksOf({ nodes }: CpuProfile): Map<number, readonly CpuProfileNode[]> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const stacks = new Map<number, readonly CpuProfileNode[]>();
  for (const node of nodes) {
    if (node.callFrame.functionName === "(idle)") continue;
    const stack: CpuProfileNode[] = [];
    for (let at: CpuProfileNode | undefined = node; at; at = byId.get(parents.get(at.id) ?? -1)) {
      if (at.callFrame.functionName !== "(root)") stack.unshift(at);
    }
    stacks.set(node.id, stack);
  }
  return stacks;
}

interface Stack {
  us: number;
  name: string;
  note: string;
  kind: FrameKind;
  readonly callees: Map<string, Stack>;
}

const emptyStack = (): Stack => ({ us: 0, name: "", note: "", kind: "script", callees: new Map() });

/** Functions are the same across pieces when they have the same name and place; node ids are not. */
function descend(root: Stack, stack: readonly CpuProfileNode[]): Stack {
  let at = root;
  for (const node of stack) {
    const { name, note } = labelOf(node);
    const key = `${name} ${node.callFrame.url}:${node.callFrame.lineNumber}`;
    const next = at.callees.get(key) ?? { ...emptyStack(), name, note, kind: kindOf(node) };
    at.callees.set(key, next);
    at = next;
  }
  return at;
}

function framesOf({ callees }: Stack): FlameFrame[] {
  return slowestFirst(
    Array.from(callees.values(), (callee) => {
      const children = framesOf(callee);
      const { name, note, kind } = callee;
      return { name, kind, note, us: callee.us + sumOf(children), children };
    }),
  );
}

const nativeNames: Readonly<Record<string, string>> = {
  "(program)": "native code",
  "(garbage collector)": "garbage collector",
};

function labelOf({ callFrame }: CpuProfileNode): { name: string; note: string } {
  const { functionName, url, lineNumber } = callFrame;
  return {
    name: own(nativeNames, functionName) ?? (functionName || "(anonymous)"),
    note: url === "" ? "" : `${placeOf(url)}:${lineNumber + 1}`,
  };
}

/** The last folder and the file: enough to find it, and nothing about the machine. */
function placeOf(url: string): string {
  return url.startsWith("node:") ? url : decodeURI(url).split("/").slice(-3).join("/");
}

function kindOf({ callFrame: { url } }: CpuProfileNode): FrameKind {
  if (url === "") return "native";
  return url.startsWith("node:") ? "node" : "script";
}
