/**
 * Reloads under load: the model's file is replaced fifty times while callers ask. Ten of the files are broken, some in ways
 * that end whatever process loads them; one is copied in slowly. No request may fail, and each answer is that of a model
 * that was whole.
 */
import { open, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { openTemporaryFolder } from "@cupel/base";
import { encodeModelBytes, readModelFile } from "@cupel/onnx";
import { type Benchmark, withoutData } from "./benchmark.ts";
import { startGenerator } from "./serve/generator-process.ts";
import { servedModel } from "./serve/served-model.ts";
import { startCupel } from "./serve/servers.ts";

const reloads = 50;
/** Of the folder of cases: the engine's process ends on the first two, the third floods the memory while it is loaded. */
const hostile = ["min_empty_input.onnx", "sum_empty_input.onnx", "concat_double.onnx"];

export const serveReload: Benchmark = {
  name: "serve-reload",
  claim: "Fifty reloads under load, ten of them of broken models, one copied in slowly: no request fails.",
  peer: "the same load without reloads would fail none either",
  takes: "4 min",
  async run({ print, progress, data, signal }) {
    if (data === null) return withoutData;
    await using folder = await openTemporaryFolder("bench");
    const model = await servedModel(data, folder.path, signal);
    const path = join(folder.path, "pcb.onnx");
    const good = await readModelFile(path);
    const versionOf = (i: number): Uint8Array => {
      good.metadata.set("reload", String(i));
      return encodeModelBytes(good);
    };
    const cases = process.env.CUPEL_CASES ?? join(data, "../cases");
    const killers = await Promise.all(
      hostile.map((name) => readFile(join(cases, "hostile", name)).catch(() => null)),
    );
    const broken: Uint8Array[] = [
      ...killers.filter((bytes) => bytes !== null),
      Buffer.from("no model"),
      Buffer.alloc(0),
      versionOf(0).subarray(0, 100_000),
    ];
    await using server = await startCupel(
      {
        "repository.path": folder.path,
        "repository.pollMs": 300,
        "engine.threads": 1,
        "engine.trialBytes": 2 ** 30,
        "engine.trialMs": 20_000,
      },
      null,
      true,
    );
    /** Loads, and files that could not be loaded. */
    const dealtWith = async () => {
      const events = await server.events();
      const loads = (events["MODEL.LOAD"] ?? 0) + (events["MODEL.RELOAD"] ?? 0);
      return { loads, failures: events["MODEL.LOAD.FAIL"] ?? 0 };
    };
    await using generator = startGenerator(null);
    const request = {
      model: "pcb",
      input: model.input,
      shape: [1, ...model.shape],
      form: "binary",
      count: 20,
    } as const;
    const stop = new AbortController();
    const reports: Promise<Readonly<Record<string, number>>> = (async () => {
      const all = new Map<string, number>();
      while (!stop.signal.aborted) {
        const { statuses } = await generator.run({
          port: server.port,
          request,
          durationMs: 1000,
          arrivals: { kind: "closed", callers: 4 },
        });
        for (const [status, count] of Object.entries(statuses))
          all.set(status, (all.get(status) ?? 0) + count);
      }
      return Object.fromEntries(all);
    })();
    using task = progress.start("Reloading", reloads, "reloads");
    let replaced = 0;
    let expected = await dealtWith();
    const first = expected.loads;
    for (let i = 1; i <= reloads; i++) {
      signal.throwIfAborted();
      const isBroken = i % 5 === 0;
      const bytes = isBroken ? broken[(i / 5) % broken.length]! : versionOf(i);
      if (i === 7) await copySlowly(path, bytes);
      else {
        await writeFile(`${path}.new`, bytes);
        await rename(`${path}.new`, path);
      }
      replaced++;
      const { loads, failures } = expected;
      if (isBroken) expected = { loads, failures: failures + 1 };
      else expected = { loads: loads + 1, failures };
      for (let turn = 0; turn < 400; turn++) {
        const now = await dealtWith();
        if (now.loads >= expected.loads && now.failures >= expected.failures) break;
        await wait(100);
      }
      task.advance();
    }
    const { loads, failures } = await dealtWith();
    stop.abort();
    const statuses = await reports;
    const failed = Object.entries(statuses).reduce(
      (sum, [status, count]) => sum + (status === "200" ? 0 : count),
      0,
    );
    const answered = statuses["200"] ?? 0;
    print(`${replaced} files: ${loads - first} loaded, ${failures} refused`);
    print(`${answered} requests answered, ${failed} failed: ${JSON.stringify(statuses)}`);
    return {
      kind: "measured",
      figures: { replaced, loaded: loads - first, refused: failures, statuses },
      bars: [
        {
          claim: "every good file was loaded, no broken one",
          measured: `${loads - first} loaded, ${failures} refused`,
          isMet: loads - first === (reloads * 4) / 5 && failures === reloads / 5,
          isExact: true,
        },
        {
          claim: "no request fails",
          measured: `${failed} of ${answered + failed}`,
          isMet: failed === 0,
          isExact: true,
        },
      ],
      quote: `${replaced} reloads under load, ${Math.floor(reloads / 5)} of broken models: ${failed} of ${answered + failed} requests failed.`,
    };
  },
};

/** In place, in twenty pieces, as a copy over a slow link does. */
async function copySlowly(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, "w");
  const piece = Math.ceil(bytes.length / 20);
  for (let at = 0; at < bytes.length; at += piece) {
    await file.write(bytes.subarray(at, at + piece));
    await wait(100);
  }
}
