/**
 * What serving costs over the bare engine, and against a Python server: images per second and the latency of one raw
 * tensor, of one INT8 model. All take turns within each round, on the same cores.
 */
import { join } from "node:path";
import { bytesText, openTemporaryFolder, spreadOf } from "@cupel/base";
import type { Bar, Benchmark } from "./benchmark.ts";
import { withoutData } from "./benchmark.ts";
import { millisecondsText, ratioText, tableText } from "./figures.ts";
import { startGenerator } from "./serve/generator-process.ts";
import { startLineProcess } from "./serve/line-process.ts";
import { servedModel } from "./serve/served-model.ts";
import { startCupel, startKserve } from "./serve/servers.ts";

const rounds = 5;
const batch = 8;
const secondsPerRun = 3;

interface BareRun {
  readonly batch: number;
  readonly imagesPerSecond: number;
  readonly p50: number;
}

export const serve: Benchmark = {
  name: "serve",
  claim:
    "The server gives at least 85 % of the bare engine's images per second at the same batch, and adds at most 1 ms to the median of one raw tensor; twice the requests per second of a Python server.",
  peer: "onnxruntime-node alone in a process; KServe's Python server with ONNX Runtime, same model, same requests",
  takes: "5 min",
  async run({ print, progress, data, interpreter, signal }) {
    if (data === null) return withoutData;
    await using folder = await openTemporaryFolder("bench");
    const model = await servedModel(data, folder.path, signal);
    const threads = 2;
    const path = join(folder.path, "pcb.onnx");
    await using hop = startLineProcess(
      process.execPath,
      [new URL("serve/hop-server.ts", import.meta.url).pathname],
      { cpus: null },
    );
    const hopPort = Number(await hop.line());
    await using generator = startGenerator(null);
    await using cupel = await startCupel(
      {
        "repository.path": folder.path,
        "repository.mode": "explicit",
        "engine.threads": 1,
        "engine.instances": threads,
        "batching.maxRows": batch,
      },
      null,
    );
    const kserve = await startKserve(interpreter, path, threads, null).catch((thrown: unknown) => {
      print(`no Python server: ${thrown instanceof Error ? thrown.message.slice(0, 200) : thrown}`);
      return null;
    });
    await using _ = { [Symbol.asyncDispose]: async () => await kserve?.[Symbol.asyncDispose]() };
    const closed = async (
      port: number,
      name: string,
      callers: number,
      form: "binary" | "json",
      rows: number,
    ) => {
      const request = { model: name, input: model.input, shape: [rows, ...model.shape], form, count: 20 };
      const report = await generator.run({
        port,
        request,
        durationMs: secondsPerRun * 1000,
        arrivals: { kind: "closed", callers },
      });
      const failed = Object.entries(report.statuses).filter(([status]) => status !== "200");
      if (failed.length > 0) throw new Error(`The server answered ${JSON.stringify(report.statuses)}.`);
      return report;
    };
    using task = progress.start("Serving", rounds, "rounds");
    const measured: Round[] = [];
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      const [one, many] = await bare(path, threads, [1, batch]);
      const side = await Promise.all(Array.from({ length: threads }, () => bare(path, 1, [batch])));
      const hopped = await closed(hopPort, "pcb", 1, "binary", 1);
      const alone = await closed(cupel.port, "pcb", 1, "binary", 1);
      const joined = await closed(cupel.port, "pcb", 2 * batch, "binary", 1);
      const batched = await closed(cupel.port, "pcb", 3, "binary", batch);
      const json = await closed(cupel.port, "pcb", 2 * batch, "json", 1);
      const peerJson = kserve && (await closed(kserve.port, "model", batch, "json", 1));
      const peerBinary = kserve && (await closed(kserve.port, "model", batch, "binary", 1));
      measured.push({
        bareP50: one!.p50,
        bareImages: many!.imagesPerSecond,
        sideImages: side.reduce((sum, [each]) => sum + each!.imagesPerSecond, 0),
        hopP50: hopped.p50,
        aloneP50: alone.p50,
        joinedImages: joined.servedPerSecond,
        batchedImages: batch * batched.servedPerSecond,
        jsonRequests: json.servedPerSecond,
        peerJson: peerJson?.servedPerSecond ?? null,
        peerBinary: peerBinary?.servedPerSecond ?? null,
      });
      task.advance();
    }
    const spread = (of: (round: Round) => number) => spreadOf(measured.map(of));
    const batchedShare = spread(({ batchedImages, bareImages }) => batchedImages / bareImages);
    const joinedShare = spread(({ joinedImages, bareImages }) => joinedImages / bareImages);
    const added = spread(({ aloneP50, bareP50 }) => aloneP50 - bareP50);
    const overPeer = (ours: (round: Round) => number, peer: (round: Round) => number | null) =>
      kserve === null ? null : spread((round) => ours(round) / (peer(round) ?? Number.NaN));
    const binaryRatio = overPeer(
      ({ joinedImages }) => joinedImages,
      ({ peerBinary }) => peerBinary,
    );
    const jsonRatio = overPeer(
      ({ jsonRequests }) => jsonRequests,
      ({ peerJson }) => peerJson,
    );
    const perSecond = (of: (round: Round) => number) => `${spread(of).median.toFixed(0)}/s`;
    print(
      tableText([
        [
          `${model.name}, ${bytesText(model.bytes)}, ${threads} engine threads; served by ${threads} instances of one`,
          "images",
          "over the bare engine",
        ],
        [`bare engine, batch ${batch}`, perSecond(({ bareImages }) => bareImages), ""],
        [
          `${threads} bare engines of one thread, batch ${batch}`,
          perSecond(({ sideImages }) => sideImages),
          ratioText(spread(({ sideImages, bareImages }) => sideImages / bareImages)),
        ],
        [
          `served, ${batch} rows a request`,
          perSecond(({ batchedImages }) => batchedImages),
          ratioText(batchedShare),
        ],
        [
          "served, single rows, joined",
          perSecond(({ joinedImages }) => joinedImages),
          ratioText(joinedShare),
        ],
        ["served, single rows as JSON", perSecond(({ jsonRequests }) => jsonRequests), ""],
        ["median of one raw tensor", "", `${millisecondsText(added)} more`],
        ["of it node:http and a worker thread alone", "", millisecondsText(spread(({ hopP50 }) => hopP50))],
        ["times KServe, binary", "", binaryRatio === null ? "no KServe" : ratioText(binaryRatio)],
        ["times KServe, JSON", "", jsonRatio === null ? "no KServe" : ratioText(jsonRatio)],
      ]),
    );
    const bars: Bar[] = [
      {
        claim: `at least 85 % of the bare engine at batch ${batch}`,
        measured: ratioText(batchedShare),
        isMet: batchedShare.median >= 0.85,
        isExact: false,
      },
      {
        claim: "the median of one raw tensor at most 1 ms above the bare run",
        measured: millisecondsText(added),
        isMet: added.median <= 1,
        isExact: false,
      },
      ...[binaryRatio, jsonRatio]
        .filter((ratio) => ratio !== null)
        .map((ratio) => ({
          claim: "at least twice KServe's requests per second",
          measured: ratioText(ratio),
          isMet: ratio.median >= 2,
          isExact: false,
        })),
    ];
    return {
      kind: "measured",
      figures: { rounds: measured, batch, threads },
      bars,
      quote: `served, an INT8 ResNet-50 of ${bytesText(model.bytes)} gives ${ratioText(batchedShare)} of the bare engine's images per second, and one raw tensor takes ${added.median.toFixed(2)} ms more.`,
    };
  },
};

interface Round {
  readonly bareP50: number;
  readonly bareImages: number;
  /** Of as many engines of one thread as there are threads, side by side. */
  readonly sideImages: number;
  /** Of a request that goes through a worker thread and does nothing. */
  readonly hopP50: number;
  readonly aloneP50: number;
  readonly joinedImages: number;
  readonly batchedImages: number;
  readonly jsonRequests: number;
  readonly peerJson: number | null;
  readonly peerBinary: number | null;
}

async function bare(path: string, threads: number, batches: readonly number[]): Promise<readonly BareRun[]> {
  const script = new URL("serve/bare-engine.ts", import.meta.url).pathname;
  await using child = startLineProcess(
    process.execPath,
    [script, path, String(threads), String(secondsPerRun), ...batches.map(String)],
    { cpus: null },
  );
  return JSON.parse(await child.line());
}
