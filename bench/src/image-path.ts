/**
 * What an image costs the thread that the server's faces share: JPEG photographs to answers of MobileNet with eight in
 * flight, by the processor time of the main thread alone and by how late its event loop comes to a timer.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { threadCpuUsage } from "node:process";
import { own, type Spread, spreadOf } from "@cupel/base";
import { encodeModelBytes, readModelFile } from "@cupel/onnx";
import { writeMetadata } from "@cupel/predict";
import { openSession } from "@cupel/runtime";
import { anonymous, type Call, createImages, type ImageInput, type PredictRequest } from "@cupel/serve";
import { openImages, parsePreprocessing, preprocessingFor, sample } from "@cupel/vision";
import { type Benchmark, type BenchmarkContext, withoutData } from "./benchmark.ts";
import { tableText } from "./figures.ts";

const images = 200;
const inFlight = 8;
const rounds = 3;
/** Milliseconds of the main thread an image. */
const bar = 2;
/** Of the images, in pixels. */
const side = 224;

export const imagePath: Benchmark = {
  name: "image-path",
  claim: `A JPEG of 224 x 224 costs the main thread at most ${bar} ms, and with ${inFlight} in flight the event loop is late by 10 ms at the 99th percentile at most.`,
  peer: "the same pixels without a JPEG around them; the same tensors, run alone",
  takes: "2 min",
  async run(context) {
    const { data, print } = context;
    if (data === null) return withoutData;
    const model = await readModelFile(join(data, "models", "mobilenet_v1_0.75_224.onnx"));
    const preprocessing = parsePreprocessing("preset=tf,resize=none", preprocessingFor(["N", 3, side, side]));
    writeMetadata(model, { preprocessing, task: "classification" });
    const bytes = encodeModelBytes(model);
    await using session = await openSession(bytes, { threads: 1 });
    const served = await createImages(bytes, {
      model: "mobilenet",
      version: "1",
      inputs: session.inputs,
      outputs: session.outputs,
      run: (feeds, { fetches, call: { signal } }) => session.timedRun(feeds, { fetches, signal }),
    });
    const source = sample(await openImages(join(data, "imagenet", "dev2017")), images, 1);
    const jpegs: ImageInput[] = [];
    for (let i = 0; i < source.length; i++) {
      const image = await source.image(i);
      if (image.kind === "file") jpegs.push({ kind: "encoded", bytes: await readFile(image.path) });
    }
    const pixels = jpegs.map(
      (_, i): ImageInput => ({
        kind: "rgb",
        width: side,
        height: side,
        bytes: Uint8Array.from({ length: 3 * side * side }, (_, at) => (at * 31 + i) % 256),
      }),
    );
    const input = session.inputs[0]!.name;
    const tensor = new Float32Array(3 * side * side);
    const ways: Readonly<Record<string, (i: number) => Promise<unknown>>> = {
      jpeg: (i) => served.predict(request(jpegs[i]!), call()),
      pixels: (i) => served.predict(request(pixels[i]!), call()),
      decode: (i) => served.prepare([jpegs[i]!.bytes], call()),
      tensor: () => session.run({ [input]: { type: "float32", dims: [1, 3, side, side], data: tensor } }),
    };
    const names = Object.keys(ways);
    const seen = new Map(names.map((name): [string, Seen[]] => [name, []]));
    // The first round warms the compiler and the decoder, and does not count.
    for (let round = 0; round <= rounds; round++) {
      for (const name of names) {
        context.signal.throwIfAborted();
        const measured = await measure(own(ways, name)!, context);
        if (round > 0) seen.get(name)!.push(measured);
      }
    }
    const figures = Object.fromEntries(
      names.map((name) => {
        const all = seen.get(name)!;
        const spread = (of: (each: Seen) => number) => spreadOf(all.map(of));
        return [
          name,
          {
            mainThreadMs: spread((each) => each.mainThreadMs),
            lateP99Ms: spread((each) => each.lateP99Ms),
            lateMaxMs: spread((each) => each.lateMaxMs),
            perSecond: spread((each) => each.perSecond),
          },
        ] as const;
      }),
    );
    print(
      tableText([
        ["", "main thread, ms an image", "event loop late, ms, P99", "at most", "a second"],
        ...names.map((name) => {
          const { mainThreadMs, lateP99Ms, lateMaxMs, perSecond } = own(figures, name)!;
          return [name, text(mainThreadMs), text(lateP99Ms), text(lateMaxMs), perSecond.median.toFixed(0)];
        }),
      ]),
    );
    const { mainThreadMs, lateP99Ms } = figures.jpeg!;
    return {
      kind: "measured",
      figures: { images, inFlight, rounds, ...figures },
      bars: [
        {
          claim: `a JPEG costs the main thread at most ${bar} ms`,
          measured: `${text(mainThreadMs)} ms`,
          isMet: mainThreadMs.median <= bar,
          isExact: false,
        },
        {
          claim: "the event loop is late by at most 10 ms at the 99th percentile",
          measured: `${text(lateP99Ms)} ms`,
          isMet: lateP99Ms.median <= 10,
          isExact: false,
        },
      ],
      quote: `A JPEG of ${side} x ${side} costs the main thread ${text(mainThreadMs)} ms; with ${inFlight} in flight the event loop is late by ${text(lateP99Ms)} ms at the 99th percentile.`,
    };
  },
};

interface Seen {
  readonly mainThreadMs: number;
  readonly lateP99Ms: number;
  readonly lateMaxMs: number;
  readonly perSecond: number;
}

async function measure(way: (i: number) => Promise<unknown>, { signal }: BenchmarkContext): Promise<Seen> {
  const resolution = 1;
  const late = monitorEventLoopDelay({ resolution });
  const before = threadCpuUsage();
  const begun = performance.now();
  late.enable();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < images) {
      signal.throwIfAborted();
      await way(next++);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  late.disable();
  const { user, system } = threadCpuUsage(before);
  const ms = (ns: number) => Math.max(0, ns / 1e6 - resolution);
  return {
    mainThreadMs: (user + system) / 1000 / images,
    lateP99Ms: ms(late.percentile(99)),
    lateMaxMs: ms(late.max),
    perSecond: (1000 * images) / (performance.now() - begun),
  };
}

const request = (image: ImageInput): PredictRequest => ({ model: "mobilenet", images: [image] });
const call = (): Call => ({
  face: "rest",
  principal: anonymous,
  signal: new AbortController().signal,
  address: "",
  times: {},
});

function text({ p10, median, p90 }: Spread): string {
  return `${median.toFixed(2)} (${p10.toFixed(2)} - ${p90.toFixed(2)})`;
}
