import assert from "node:assert/strict";
import { test } from "node:test";
import type { FlameFrame } from "../src/flame-frame.ts";
import { flameTree } from "../src/with-profiler.ts";
import { recording } from "./recordings.ts";

const tree = flameTree(recording);

/** "name: us" by depth. */
function outline({ name, us, children }: FlameFrame, indent = ""): string[] {
  return [`${indent}${name}: ${us}`, ...children.flatMap((child) => outline(child, `${indent}  `))];
}

test("threads by stack and sessions by layer are one tree, slowest first, waiting left out", () => {
  assert.deepEqual(outline(tree), [
    "all threads: 2800",
    "  session tiny.onnx: 2200",
    "    3 runs: 1700",
    "      layer1.0: 1480",
    "        Conv conv1: 1380",
    "        Relu relu: 100",
    "      FusedGemm fc: 160",
    "    optimise the graph: 300",
    "    read the model: 200",
    "  main thread: 600",
    "    main: 550",
    "      decode: 450",
    "    garbage collector: 50",
  ]);
});

test("no frame is less than what it is made of", () => {
  const check = (frame: FlameFrame): void => {
    const inner = frame.children.reduce((sum, { us }) => sum + us, 0);
    assert.ok(frame.us >= inner, `${frame.name}: ${frame.us} of ${inner}`);
    frame.children.forEach(check);
  };
  check(tree);
});

test("a function is told by its place, without the machine's folders, and a thread by how long it waited", () => {
  const [, thread] = tree.children;
  assert.equal(thread!.note, "waiting 40 % of the time");
  assert.equal(thread!.children[0]!.note, "project/src/main.ts:10");
});

test("pieces of one thread add up", () => {
  const [thread] = recording.threads;
  const twice = { ...thread!, pieces: [...thread!.pieces, ...thread!.pieces] };
  const { us, children } = flameTree({ threads: [twice], engines: [] });
  assert.equal(us, 1200);
  assert.equal(children[0]!.children.length, 2);
});

test("nothing recorded is an empty tree", () => {
  assert.deepEqual(outline(flameTree({ threads: [], engines: [] })), ["all threads: 0"]);
});

test("numbered layers keep the name of the layer around them, and a layer alone in another shares its box", () => {
  const kernel = (name: string) => ({
    cat: "Node",
    name: `${name}_kernel_time`,
    ts: 0,
    dur: 10,
    args: { op_name: "Conv", node_index: name },
  });
  const events = ["/stage/a.0/conv", "/stage/a.0/down", "/stage/a.1/conv", "/stage/a.1/0/x/y"].map(kernel);
  const engine = {
    name: "m",
    events: [{ cat: "Session", name: "model_run", ts: 0, dur: 40 }, ...events],
    offset: 0,
  };
  assert.deepEqual(outline(flameTree({ threads: [], engines: [engine] })).slice(2), [
    "    1 run: 40",
    "      stage.a: 40",
    "        a.0: 20",
    "          Conv conv: 10",
    "          Conv down: 10",
    "        a.1: 20",
    "          Conv conv: 10",
    "          a.1.0.x: 10",
    "            Conv y: 10",
  ]);
});
