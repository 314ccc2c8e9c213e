/** A real run under both profilers. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { attribute, encodeModelBytes, Model, Tensor, tensorType, Value } from "@cupel/onnx";
import type { Session } from "@cupel/runtime";
import { withProfiler } from "@cupel/train";

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

test("a run is told by both profilers on one clock", async () => {
  let forgotten: Session | null = null;
  const { result, summary, html, trace } = await withProfiler({ title: "Test <run>" }, async ({ open }) => {
    const session = await open(convolution(), { threads: 1, optimization: "disabled" });
    forgotten = session;
    for (let run = 0; run < 5; run++) {
      await session.run(feeds());
      busyInMain(20);
    }
    return "done";
  });
  assert.equal(result, "done");
  assert.match(
    summary[0]!,
    /^(Conv stage1\.0\.conv|Relu stage1\.0\.relu): \S+ % of the step, \S+ ms per run/,
  );
  assert.equal(summary.length, 2);
  assert.match(summary.join("\n"), /^Conv stage1\.0\.conv: .*GMAC\/s$/m);
  assert.match(html, /Test &lt;run&gt;/);
  assert.match(html, /busyInMain/);
  await assert.rejects(forgotten!.run(feeds()), { code: "SESSION_CLOSED" });

  // The main thread is busy for 20 ms between two runs: on one clock, run k has seen k times that.
  // A loaded machine takes samples late: a quarter may be missing, but no burst moves to another run.
  const complete = trace.traceEvents.filter(({ ph }) => ph === "X");
  const runs = complete.filter(({ name }) => name === "model_run");
  const busy = complete.filter(({ name }) => name === "busyInMain");
  assert.equal(runs.length, 5);
  for (const [k, run] of runs.entries()) {
    const middle = run.ts! + run.dur! / 2;
    const before = busy.reduce((sum, { ts, dur }) => sum + Math.min(Math.max(middle - ts!, 0), dur!), 0);
    assert.ok(Math.abs(before / 1000 - 20 * k) < 8 + 5 * k, `${before} µs before run ${k}`);
  }
});

test("a worker that ends before the profile does is in it", async () => {
  const source = `
    function decodePictures(ms) { const end = performance.now() + ms; while (performance.now() < end); }
    setTimeout(() => decodePictures(50), 0);
    setTimeout(() => {}, 1200);
  `;
  const { trace } = await withProfiler({}, async () => {
    await once(new Worker(source, { eval: true, name: "decoder" }), "exit");
  });
  const names = trace.traceEvents.filter(({ name }) => name === "thread_name").map(({ args }) => args?.name);
  assert.ok(
    names.some((name) => String(name).includes("decoder")),
    names.join(),
  );
  assert.ok(trace.traceEvents.some(({ name }) => name === "decodePictures"));
});

test("what the run throws is thrown, and nothing stays behind", async () => {
  let session: Session | null = null;
  const failure = new Error("in the run");
  await assert.rejects(
    withProfiler({}, async ({ open }) => {
      session = await open(convolution(), { threads: 1 });
      throw failure;
    }),
    failure,
  );
  await assert.rejects(session!.run(feeds()), { code: "SESSION_CLOSED" });
});
