/**
 * The server under an open load: what it does at 70 % and at 200 % of what it can. Server and generator have a core each;
 * the capacity is measured in the same run.
 */
import { openTemporaryFolder } from "@cupel/base";
import { type Bar, type Benchmark, withoutData } from "./benchmark.ts";
import { megabytes, tableText } from "./figures.ts";
import { type GeneratorReport, startGenerator } from "./serve/generator-process.ts";
import { servedModel } from "./serve/served-model.ts";
import { startCupel } from "./serve/servers.ts";

const serverCore = "0";
const generatorCore = "1";

export const serveLoad: Benchmark = {
  name: "serve-load",
  claim:
    "At 70 % of its capacity, with Poisson arrivals, the server fails no request and its 99th percentile is at most 5 times its median; at 200 % it still serves 90 % of its capacity, refuses the rest with 429 and Retry-After, and is back to normal within 2 s.",
  peer: "its own capacity, measured by callers that wait for their answers, in the same run",
  takes: "3 min",
  async run({ print, data, signal }) {
    if (data === null) return withoutData;
    await using folder = await openTemporaryFolder("bench");
    const model = await servedModel(data, folder.path, signal);
    await using generator = startGenerator(generatorCore);
    await using server = await startCupel(
      {
        "repository.path": folder.path,
        "repository.mode": "explicit",
        "engine.threads": 1,
        "batching.maxRows": 8,
      },
      serverCore,
    );
    const request = {
      model: "pcb",
      input: model.input,
      shape: [1, ...model.shape],
      form: "binary",
      count: 50,
    } as const;
    const poisson = (perSecond: number, seconds: number, seed: number) =>
      generator.run({
        port: server.port,
        request,
        durationMs: seconds * 1000,
        arrivals: { kind: "poisson", perSecond, seed, connections: 1024 },
      });
    const closed = (seconds: number) =>
      generator.run({
        port: server.port,
        request,
        durationMs: seconds * 1000,
        arrivals: { kind: "closed", callers: 16 },
      });
    await closed(3);
    const before = await closed(10);
    const usual = await poisson(0.7 * before.servedPerSecond, 60, 1);
    const memoryBefore = await server.memory();
    // The machine is shared: what it can is asked again, right before it is asked for twice that.
    const again = await closed(10);
    const capacity = again.servedPerSecond;
    const over = await poisson(2 * capacity, 20, 2);
    const memoryAfter = await server.memory();
    await poisson(0.7 * capacity, 2, 3);
    const recovered = await poisson(0.7 * capacity, 8, 4);
    const row = (name: string, { statuses, servedPerSecond, ...report }: GeneratorReport) => [
      name,
      `${servedPerSecond.toFixed(0)}/s`,
      JSON.stringify(statuses),
      `${report.p50.toFixed(1)} / ${report.p99.toFixed(1)} / ${report.p999.toFixed(1)} ms`,
      `${report.lagP99.toFixed(2)} ms, ${(100 * report.generatorShare).toFixed(0)} %`,
    ];
    print(
      tableText([
        ["load", "served", "answers", "median / P99 / P99.9", "generator late (P99), of its core"],
        row("16 callers", before),
        row("70 %, 60 s", usual),
        row("16 callers again", again),
        row("200 %, 20 s", over),
        row("70 %, 2 s later", recovered),
      ]),
    );
    const refused = over.statuses["429"] ?? 0;
    const other = over.sent - (over.statuses["200"] ?? 0) - refused;
    const share = over.servedPerSecond / capacity;
    const growth = memoryAfter - memoryBefore;
    const failed = usual.sent - (usual.statuses["200"] ?? 0);
    const bars: Bar[] = [
      {
        claim: "70 %: no errors",
        measured: `${failed} of ${usual.sent}`,
        isMet: failed === 0,
        isExact: false,
      },
      {
        claim: "70 %: P99 at most 5 times the median",
        measured: `${(usual.p99 / usual.p50).toFixed(2)}x`,
        isMet: usual.p99 <= 5 * usual.p50,
        isExact: false,
      },
      {
        claim: "200 %: at least 90 % of the capacity served",
        measured: `${(100 * share).toFixed(1)} %`,
        isMet: share >= 0.9,
        isExact: false,
      },
      {
        claim: "200 %: the rest refused with 429 and Retry-After",
        measured: `${refused} refused, ${over.refusedWithRetryAfter} of them with Retry-After, ${other} otherwise`,
        isMet: other === 0 && over.refusedWithRetryAfter === refused,
        isExact: false,
      },
      {
        claim: "200 %: memory grows by less than 100 MB",
        measured: megabytes(growth),
        isMet: growth < 100e6,
        isExact: false,
      },
      {
        claim: "2 s later: median at most 1.5 times that before",
        measured: `${(recovered.p50 / usual.p50).toFixed(2)}x`,
        isMet: recovered.p50 <= 1.5 * usual.p50,
        isExact: false,
      },
    ];
    return {
      kind: "measured",
      figures: { before, usual, again, over, recovered, memoryBefore, memoryAfter },
      bars,
      quote: `at 70 % of its capacity ${failed} of ${usual.sent} requests fail and the 99th percentile is ${(usual.p99 / usual.p50).toFixed(1)} times the median; at 200 % the server serves ${(100 * share).toFixed(0)} % of its capacity and refuses ${refused} of ${over.sent} with 429.`,
    };
  },
};
