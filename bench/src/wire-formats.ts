/**
 * What a tensor costs in each form in which it travels: JSON, CBOR, bytes behind JSON, and gRPC's raw contents. Read and
 * written by the faces' own code in a process of its own, without a network: what is between is the same for all.
 */
import { type Spread, spreadOf } from "@cupel/base";
import type { Bar, Benchmark } from "./benchmark.ts";
import { ratioText, tableText } from "./figures.ts";
import { startLineProcess } from "./serve/line-process.ts";

const rounds = 9;
/** 112 ms against 7 ms for as many numbers, as measured before the server was written. */
const leastOfReviver = 16;
/** Of the bytes on the wire: the body, once, and what aligns it. */
const mostBuffers = 1.001;

interface Way {
  readonly form: string;
  readonly direction: "read" | "write";
  readonly wireBytes: number;
  /** Of a request, by round. */
  readonly microseconds: readonly number[];
  /** On the JavaScript heap, garbage included, of a request. */
  readonly heapBytes: number;
  /** In array buffers, of a request. */
  readonly bufferBytes: number;
}

interface Case {
  readonly title: string;
  readonly tensorBytes: number;
  readonly elements: number;
  readonly ways: readonly Way[];
}

export const wireFormats: Benchmark = {
  name: "wire-formats",
  claim: `INT64 is read exactly from JSON, numbers below 100,000 at least ${leastOfReviver} times as fast as by JSON.parse with a reviver; a raw tensor's body is copied once; JSON, CBOR, binary and gRPC in MB/s and allocations.`,
  peer: "JSON.parse and JSON.stringify of the same values, cbor-x with a list, each with its whole body in memory",
  takes: "3 min",
  async run({ print, progress, signal }) {
    using _task = progress.start("Wire formats", 1, "run");
    const cases = await measure(signal);
    for (const each of cases) print(`${caseTable(each)}\n`);
    const overReviver = (title: string) =>
      ratioOfTimes(caseOf(cases, title), "peer: JSON.parse, reviver", "JSON", "read");
    const short = overReviver("INT64, below 100,000");
    const wide = overReviver("INT64, all 64 bits");
    const image = caseOf(cases, "FP32, a normalised image");
    const copies = cases
      .filter(({ elements }) => elements > 1000)
      .map((each) => wayOf(each, "binary", "read"))
      .map(({ bufferBytes, wireBytes }) => bufferBytes / wireBytes);
    const mostCopied = Math.max(...copies);
    const slower = slowerThanPeers(cases);
    print(
      slower.length > 0 ? `Slower than its peer: ${slower.join("; ")}.` : "No form is slower than its peer.",
    );
    const bars: Bar[] = [
      {
        claim: `INT64 below 100,000 from JSON, at least ${leastOfReviver} times as fast as with a reviver`,
        measured: ratioText(short),
        isMet: short.median >= leastOfReviver,
        isExact: false,
      },
      {
        claim: "reading a raw tensor takes array buffers for its body once",
        measured: `${mostCopied.toFixed(4)} of the body`,
        isMet: mostCopied <= mostBuffers,
        isExact: true,
      },
    ];
    const speed = (form: string, direction: Way["direction"]) =>
      throughput(image, wayOf(image, form, direction)).median.toFixed(0);
    const speeds = ["JSON", "CBOR", "binary", "gRPC"].map(
      (form) => `${form} ${speed(form, "read")} and ${speed(form, "write")}`,
    );
    return {
      kind: "measured",
      figures: { rounds, cases, int64OverReviver: { short, wide }, slower },
      bars,
      quote: `MB of float32 of an image read and written a second: ${speeds.join(", ")}; INT64 is read ${ratioText(short)} as fast as by JSON.parse with a reviver, with all 64 bits ${ratioText(wide)}.`,
    };
  },
};

async function measure(signal: AbortSignal): Promise<readonly Case[]> {
  const tool = new URL("../tools/wire-formats.ts", import.meta.resolve("@cupel/serve"));
  await using child = startLineProcess(process.execPath, [tool.pathname, String(rounds)], { cpus: null });
  const line = await child.line();
  signal.throwIfAborted();
  return JSON.parse(line);
}

/** In MB of tensor, 10^6 bytes, a second. */
function throughput({ tensorBytes }: Case, { microseconds }: Way): Spread {
  return spreadOf(microseconds.map((time) => tensorBytes / time));
}

function caseTable(each: Case): string {
  const header = ["MB/s, P10 - P90", "us", "wire bytes", "heap KB", "buffer KB", "of its peer's time"];
  return tableText([
    [`${each.title}, ${(each.tensorBytes / 1000).toFixed(2)} KB`, ...header],
    ...each.ways.map((way) => {
      const { p10, median, p90 } = throughput(each, way);
      const peer = way.form.startsWith("peer: ") ? null : peerOf(each, way);
      return [
        `  ${way.direction} ${way.form}`,
        `${digits(median)} (${digits(p10)} - ${digits(p90)})`,
        digits(spreadOf(way.microseconds).median),
        String(way.wireBytes),
        digits(way.heapBytes / 1000),
        digits(way.bufferBytes / 1000),
        peer === null ? "" : ratioText(ratioOfTimes(each, way.form, peer.form, way.direction)),
      ];
    }),
  ]);
}

function digits(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0);
}

/** What does the same without the server's code; null where nothing does. */
function peerOf({ ways }: Case, { form, direction }: Way): Way | null {
  const names: Readonly<Record<string, readonly string[]>> = {
    JSON: ["peer: JSON.parse", "peer: JSON.stringify", "peer: join"],
    CBOR: ["peer: cbor-x, a list"],
  };
  const peers = new Map(Object.entries(names)).get(form) ?? [];
  return ways.find((way) => way.direction === direction && peers.includes(way.form)) ?? null;
}

/** Time of one over time of the other, from round to round. */
function ratioOfTimes(each: Case, of: string, to: string, direction: Way["direction"]): Spread {
  const times = wayOf(each, to, direction).microseconds;
  return spreadOf(wayOf(each, of, direction).microseconds.map((time, round) => time / times[round]!));
}

/** Named, so that nobody has to look for it in the table. */
function slowerThanPeers(cases: readonly Case[]): string[] {
  return cases.flatMap((each) =>
    each.ways.flatMap((way) => {
      const peer = way.form.startsWith("peer: ") ? null : peerOf(each, way);
      if (peer === null) return [];
      const ratio = ratioOfTimes(each, way.form, peer.form, way.direction);
      if (ratio.median <= 1) return [];
      return [
        `${each.title}, ${way.direction} ${way.form}: ${ratioText(ratio)} the time of ${peer.form.slice(6)}`,
      ];
    }),
  );
}

function caseOf(cases: readonly Case[], title: string): Case {
  const found = cases.find((each) => each.title === title);
  if (found) return found;
  throw new Error(`"${title}" was not measured.`);
}

function wayOf({ title, ways }: Case, form: string, direction: Way["direction"]): Way {
  const found = ways.find((way) => way.form === form && way.direction === direction);
  if (found) return found;
  throw new Error(`"${title}" was not measured as ${form}, ${direction}.`);
}
