/**
 * The bare engine, in a process of its own: runs of one batch after the other, nothing around them. Prints, for every
 * batch asked for, images per second and the time of a run, as JSON.
 *
 *   node bare-engine.ts MODEL THREADS SECONDS BATCH...
 */
import { createRequire } from "node:module";
import type * as Engine from "onnxruntime-node";

const [path, threads, seconds, ...batches] = process.argv.slice(2);
const engine: typeof Engine = createRequire(import.meta.url)("onnxruntime-node");
const session = await engine.InferenceSession.create(path!, {
  intraOpNumThreads: Number(threads),
  executionProviders: ["cpu"],
});
const [input] = session.inputMetadata;
if (!input?.isTensor) throw new Error("The model's first input is no tensor.");
const results = [];
for (const batch of batches.map(Number)) {
  const dims = input.shape.map((size, axis) => (axis === 0 ? batch : Number(size)));
  const data = new Float32Array(dims.reduce((a, b) => a * b)).map((_, i) => ((i * 7919) % 255) / 127.5 - 1);
  const feeds = { [input.name]: new engine.Tensor("float32", data, dims) };
  for (let i = 0; i < 5; i++) await session.run(feeds);
  const times: number[] = [];
  const started = performance.now();
  while (performance.now() - started < Number(seconds) * 1000) {
    const before = performance.now();
    await session.run(feeds);
    times.push(performance.now() - before);
  }
  const tookMs = performance.now() - started;
  times.sort((a, b) => a - b);
  results.push({
    batch,
    imagesPerSecond: ((times.length * batch) / tookMs) * 1000,
    p50: times[Math.floor(times.length / 2)],
  });
}
console.log(JSON.stringify(results));
