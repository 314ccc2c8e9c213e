/** A real run under both profilers. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { attribute, encodeModelBytes, Model, Tensor, tensorType, Value } from "@cupel/onnx";
import { type FlameFrame, slowNodeText, withProfiler } from "@cupel/profile";
import type { InferenceSession } from "@cupel/runtime";

/** y = relu(conv(x)), named as a layer's nodes are. */
function convolution(): Uint8Array {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 18]]) });
  const { graph } = model;
  const x = graph.add(new Value("x", tensorType("float32", [1, 32, 64, 64])));
  graph.inputs.push(x);
  const weight = graph.addConstant("w", Tensor.float32([32, 32, 3, 3], new Float32Array(9216).fill(0.1)));
  const type = tensorType("float32", [1, 32, 62, 62]);
  const conv = graph.append({
    opType: "Conv",
    name: "stage1.0.conv",
    inputs: [x, weight],
    outputs: ["c"],
    attributes: { kernel_shape: attribute.ints([3, 3]) },
    type,
  });
  const relu = { opType: "Relu", name: "stage1.0.relu", inputs: [conv.output], outputs: ["y"], type };
  graph.outputs.push(graph.append(relu).output);
  return encodeModelBytes(model);
}

const feeds = () =>
  ({ x: { type: "float32", dims: [1, 32, 64, 64], data: new Float32Array(131072) } }) as const;

function busyInMain(ms: number): number {
  const end = performance.now() + ms;
  let rounds = 0;
  while (performance.now() < end) rounds++;
  return rounds;
}

/** From and to, in µs. */
type Span = readonly [number, number];

/** What two readings of a clock in different threads may be apart, in µs. */
const slack = 500;

const framesOf = (frame: FlameFrame): FlameFrame[] => [frame, ...frame.children.flatMap(framesOf)];

const now = () => performance.now() * 1000;

test("a run is told by both profilers on one clock", async () => {
  let forgotten: InferenceSession | null = null;
  const own: { readonly run: Span; readonly burst: Span }[] = [];
  const { result, tree, slowest, trace } = await withProfiler(async ({ open }) => {
    const session = await open(convolution(), { threads: 1, optimization: "disabled" });
    forgotten = session;
    for (let run = 0; run < 20; run++) {
      const start = now();
      await session.run(feeds());
      const middle = now();
      busyInMain(2);
      own.push({ run: [start, middle], burst: [middle, now()] });
    }
    return "done";
  });
  assert.equal(result, "done");
  const summary = slowest.map(slowNodeText);
  assert.match(summary[0]!, /^(Conv stage1\.0\.conv|Relu stage1\.0\.relu): \S+ % of the run, \S+ ms per run/);
  assert.equal(summary.length, 2);
  assert.match(summary.join("\n"), /^Conv stage1\.0\.conv: .*GMAC\/s$/m);
  assert.ok(framesOf(tree).some(({ name }) => name === "busyInMain"));
  await assert.rejects(forgotten!.run(feeds()), { code: "SESSION_CLOSED" });

  // The engine's runs lie within those seen here: that bounds how far the trace's clock is ahead of this one.
  const complete = trace.traceEvents.filter(({ ph }) => ph === "X");
  const runs = complete.filter(({ name }) => name === "model_run");
  assert.equal(runs.length, own.length);
  const atLeast = Math.max(...runs.map(({ ts, dur }, k) => ts! + dur! - own[k]!.run[1]));
  const atMost = Math.min(...runs.map(({ ts }, k) => ts! - own[k]!.run[0]));
  assert.ok(atLeast < atMost + slack, `ahead by at least ${atLeast} and at most ${atMost} µs`);

  // V8 takes a sample of the burst only during a burst. However loaded the machine is, that holds on one clock.
  const samples = complete.filter(({ name }) => name === "busyInMain");
  assert.ok(samples.length > 0);
  for (const { ts } of samples) {
    const within = own.some(
      ({ burst: [from, to] }) => from + atLeast - slack < ts! && ts! < to + atMost + slack,
    );
    assert.ok(
      within,
      `a sample at ${ts} µs, bursts at ${JSON.stringify(own)}, ahead ${atLeast} to ${atMost}`,
    );
  }
});

test("a worker that ends before the profile does is in it", async () => {
  const source = `
    function decodeImages(ms) { const end = performance.now() + ms; while (performance.now() < end); }
    const images = setInterval(() => decodeImages(20), 25);
    setTimeout(() => clearInterval(images), 3000);
  `;
  const { trace } = await withProfiler(async () => {
    await once(new Worker(source, { eval: true, name: "decoder" }), "exit");
  });
  const names = trace.traceEvents.filter(({ name }) => name === "thread_name").map(({ args }) => args?.name);
  assert.ok(
    names.some((name) => String(name).includes("decoder")),
    names.join(),
  );
  assert.ok(trace.traceEvents.some(({ name }) => name === "decodeImages"));
});

test("what the run throws is thrown, and nothing stays behind", async () => {
  let session: InferenceSession | null = null;
  const failure = new Error("in the run");
  await assert.rejects(
    withProfiler(async ({ open }) => {
      session = await open(convolution(), { threads: 1 });
      throw failure;
    }),
    failure,
  );
  await assert.rejects(session!.run(feeds()), { code: "SESSION_CLOSED" });
});
