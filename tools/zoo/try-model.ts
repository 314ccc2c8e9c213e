/**
 * One model of the zoo, step by step, in a process of its own: `main.ts` starts it, is told of each step and its outcome,
 * and ends it at a time limit. A step that fails is an outcome; what does not need it goes on.
 */
import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { compressFile } from "@cupel/compress";
import { graphSummary, readModelFile, writeModelFile } from "@cupel/onnx";
import { openPredictor } from "@cupel/predict";
import { cpuFeatures, fusionReport, openSession, profile, tryIsolated } from "@cupel/runtime";
import { openTrainer } from "@cupel/train";
import { parsePreprocessing, preprocessingFor, subset } from "@cupel/vision";
import { numbersOf, sqnrOf } from "./agreement.ts";
import { pairedTimes } from "./paired-time.ts";
import { preparationOf } from "./preparation.ts";
import { failure, stepApart } from "./steps-apart.ts";
import { feedsOf, outputsInPython, outputsOf, tensorsOf, writeTensors, zooImages } from "./tensors.ts";
import type { Figures, Step } from "./zoo-row.ts";

/** Images that calibrate both tools, and those that judge. */
const calibrating = 20;
const judging = 12;
/** Engines round in places of their own; where the newest is further from the original by more dB than this, it is a fault. */
const mostBetweenEngines = 6;
const stockQuantiser = fileURLToPath(new URL("quantise_static.py", import.meta.url));
/** Where sums of 8-bit products overflow, Cupel takes 7 bits by itself. The stock quantiser has to be told. */
const reduceRange = cpuFeatures().int8Pays === "no" ? ["reduce-range"] : [];
const threads = 1;

const [path = "", name = "", folder = ""] = process.argv.slice(2);
const python = process.env.CUPEL_PYTHON ?? "python3";
const compressed = join(folder, "compressed.onnx");
const stock = join(folder, "stock.onnx");
const copy = join(folder, "copy.onnx");

const all = await zooImages(calibrating + judging);
const calibration = subset(
  all,
  Array.from({ length: calibrating }, (_, i) => i),
);
const judges = subset(
  all,
  Array.from({ length: judging }, (_, i) => calibrating + i),
);

const inputShape = once(async () => (await readModelFile(path)).graph.inputs[0]?.shape ?? null);
const preparation = once(async () => preparationOf(name, await inputShape().catch(() => null)));
const preprocessing = once(async () =>
  parsePreprocessing(await preparation(), preprocessingFor((await inputShape()) ?? [])),
);
const tensors = once(async () => tensorsOf(judges, await preprocessing()));
const original = once(() => openSession(path, { threads }));
const wanted = once(async () => outputsOf(await original(), await tensors()));

await step("inspect", async () => {
  const { opset } = graphSummary(await readModelFile(path));
  await tryIsolated(path, { threads, side: 128 });
  return { bytes: (await stat(path)).size, said: `operator set ${opset}` };
});
await step("roundTrip", async () => {
  await writeModelFile(await readModelFile(path), copy);
  await using session = await openSession(copy, { threads });
  const found = await outputsOf(session, await tensors());
  const isSame = (await wanted()).every((outputs, image) =>
    outputs.every((values, output) =>
      values.every((value, i) => Object.is(value, found[image]?.[output]?.[i])),
    ),
  );
  if (!isSame) throw failure("OUTPUTS_DIFFER", "read and written, the model gives other outputs");
  return {};
});
const isCompressed = await step("compress", async () => {
  const before = performance.now();
  const { bytes } = await compressFile(path, {
    out: compressed,
    images: calibration,
    evaluation: judges,
    preprocessing: await preparation(),
    allowChance: true,
    threads,
  });
  const tookMs = Math.round(performance.now() - before);
  const { convolutions, matrixProducts } = await fusionReport(compressed);
  return {
    bytes: bytes.compressed,
    fused: `${convolutions.quantised + matrixProducts.quantised}/${convolutions.total + matrixProducts.total}`,
    tookMs,
  };
});
if (isCompressed) {
  await step("predict", async () => {
    await using predictor = await openPredictor(compressed, { threads });
    let images = 0;
    for await (const _ of predictor.predict(subset(judges, [0, 1]))) images++;
    if (images !== 2) throw failure("PREDICTIONS_MISSING", `${images} predictions for 2 images`);
    return { said: predictor.taskName };
  });
  await step("engines", async () => {
    await using session = await openSession(compressed, { threads });
    const sqnr = sqnrOf(await wanted(), await outputsOf(session, await tensors()));
    const newest = await outputsInPython(python, compressed, session.outputs.length, await tensors(), folder);
    const sqnrNewest = sqnrOf(await wanted(), newest.found);
    if (sqnr !== null && sqnrNewest !== null && sqnrNewest < sqnr - mostBetweenEngines)
      throw failure(
        "ENGINES_DIFFER",
        `${sqnr.toFixed(1)} dB in the shipped engine, ${sqnrNewest.toFixed(1)} dB in ${newest.version}`,
      );
    return { sqnr, sqnrNewest, said: newest.version };
  });
}
const isStock = await step("stock", async () => {
  const images = join(folder, "calibration.bin");
  const shape = await writeTensors(await tensorsOf(calibration, await preprocessing()), images);
  await promisify(execFile)(
    python,
    [stockQuantiser, path, images, shape, "MinMax", "yes", stock, ...reduceRange],
    {
      maxBuffer: 2 ** 26,
    },
  );
  await using session = await openSession(stock, { threads });
  const sqnr = sqnrOf(await wanted(), await outputsOf(session, await tensors()));
  return { bytes: (await stat(stock)).size, sqnr };
});
if (isCompressed || isStock) {
  await step("timing", async () => {
    await using first = await openSession(path, { threads });
    await using second = isCompressed ? await openSession(compressed, { threads }) : null;
    await using third = isStock ? await openSession(stock, { threads }) : null;
    const sessions = [first, second, third].filter((session) => session !== null);
    const ratios = await pairedTimes(sessions, feedsOf(first, await tensors(), 0));
    const figures: Figures = {};
    if (isCompressed) figures.speed = ratios.shift()!;
    if (isStock) figures.speedStock = ratios.shift()!;
    if (figures.speed && figures.speed.high < 1) figures.costliest = await costliest(compressed);
    return figures;
  });
}
await step("train", async () => {
  const session = await original();
  const images = await tensors();
  const batch = session.inputs[0]!.dims[0] === 1 ? 1 : 2;
  const feeds = feedsOf(session, images, 0, batch);
  const output = (await session.run(feeds))[session.outputs[0]!.name]!;
  const isScores = output.dims.length === 2;
  await using trainer = await openTrainer(await readModelFile(path), {
    batch,
    imageDims: feeds[session.inputs[0]!.name]!.dims.slice(1),
    loss: { kind: isScores ? "cross-entropy" : "mse" },
    threads,
  });
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, feed]) => [
      name,
      feed.type === "float16" ? { type: "float32" as const, dims: feed.dims, data: numbersOf(feed) } : feed,
    ]),
  );
  const { loss } = await trainer.step(
    {
      inputs,
      ...(isScores ? { labels: new Int32Array(batch) } : { target: new Float32Array(output.data.length) }),
    },
    0.001,
  );
  return { said: `loss ${loss.toPrecision(3)}` };
});
await (await original().catch(() => null))?.close();
process.disconnect?.();

function step(name: Step, measure: () => Promise<Figures>): Promise<boolean> {
  return stepApart(name, measure);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** Which operators a model's time goes to, the most first. */
async function costliest(model: string): Promise<string> {
  const byOperator = new Map<string, number>();
  for (const { opType, share } of await profile(model, {
    threads,
    feeds: feedsOf(await original(), await tensors(), 0),
  }))
    byOperator.set(opType, (byOperator.get(opType) ?? 0) + share);
  const sorted = [...byOperator].sort(([, a], [, b]) => b - a).slice(0, 3);
  return sorted.map(([opType, share]) => `${opType} ${(100 * share).toFixed(0)} %`).join(", ");
}
