/**
 * Digests straight from a ZIP archive beside the usual way to them: unpack it to a folder, and run both digest commands
 * over the files. Both ways are processes of their own on the same cores, in turns, and must find the same digests.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { hashNames } from "@cupel/attest";
import { openTemporaryFolder, spreadOf } from "@cupel/base";
import { copyAsPublished } from "./attest/copy-as-published.ts";
import type { DigestedArchive } from "./attest/digest-archive.ts";
import { type WeightsArchive, writeWeightsArchive } from "./attest/weights-archive.ts";
import type { Benchmark } from "./benchmark.ts";
import { megabytes, ratioText, seconds, tableText } from "./figures.ts";

const run = promisify(execFile);
const rounds = 3;
const entries = 128;
const entryBytes = 2 ** 23;
const mostGrowth = 40e6;

const unpackAndDigest = `unzip -q "$1" -d "$2" && cd "$2" && sha256sum * && openssl dgst -sm3 -r *`;
const programs = ["taskset", "unzip", "sha256sum", "openssl"];

interface Way {
  readonly method: WeightsArchive["method"];
  readonly cores: 1 | 2;
  /** How many times as fast as the peer it is to be; null for what is only told. */
  readonly bar: number | null;
}

const ways: readonly Way[] = [
  { method: "stored", cores: 1, bar: 2.8 },
  { method: "stored", cores: 2, bar: 4 },
  { method: "deflated", cores: 1, bar: 2 },
  { method: "deflated", cores: 2, bar: null },
];

interface Turn {
  readonly oursMs: number;
  readonly peerMs: number;
  /** Bytes. */
  readonly peakMemory: number;
}

export const zipDigests: Benchmark = {
  name: "zip-digests",
  claim:
    "SHA-256 and SM3 of the 128 entries of a 1 GiB ZIP come 2.8 times as fast as by unzip and the digest commands on one core when they are stored, 4 times on two, and twice when they are deflated; a worker takes at most 40 MB.",
  peer: "unzip to a folder, then sha256sum and openssl dgst -sm3 over its files",
  takes: "8 min",
  async run({ print, progress, signal }) {
    const missing = await missingProgram();
    if (missing !== null) return { kind: "skipped", reason: `${missing} is not installed` };
    const cores = allowedCores();
    if (cores.length < 2) return { kind: "skipped", reason: "two cores are needed" };

    await using folder = await openTemporaryFolder("bench-zip");
    const unpacked = join(folder.path, "unpacked");
    const reader = await copyAsPublished(join(folder.path, "published"));
    const bare = await digest(reader, cores[0]!, null);
    const measured = new Map<Way, Turn[]>(ways.map((way) => [way, []]));
    const archiveBytes = new Map<Way["method"], number>();
    const pathOf = (method: Way["method"]) => join(folder.path, `${method}.zip`);
    for (const method of ["stored", "deflated"] as const) {
      using _ = progress.start(`Packing ${method} weights`);
      const size = await writeWeightsArchive({ path: pathOf(method), entries, entryBytes, method }, signal);
      archiveBytes.set(method, size);
    }
    using task = progress.start("Reading", rounds * ways.length);
    for (let round = 0; round < rounds; round++) {
      for (const way of ways) {
        signal.throwIfAborted();
        const on = cores.slice(0, way.cores).join();
        const path = pathOf(way.method);
        const ours = await digest(reader, on, path);
        await rm(unpacked, { recursive: true, force: true });
        await mkdir(unpacked);
        const peer = await timed(["taskset", "-c", on, "sh", "-c", unpackAndDigest, "sh", path, unpacked]);
        assertSame(ours.manifest, peer.output);
        measured.get(way)?.push({ oursMs: ours.ms, peerMs: peer.ms, peakMemory: ours.peakMemory });
        print(`${nameOf(way)}: ${seconds(ours.ms)}, and the peer ${seconds(peer.ms)}`);
        task.advance();
      }
    }

    const content = entries * entryBytes;
    const spread = (way: Way, of: (turn: Turn) => number) => spreadOf((measured.get(way) ?? []).map(of));
    const ratio = (way: Way) => spread(way, ({ oursMs, peerMs }) => peerMs / oursMs);
    const growth = Math.max(
      ...ways.map((way) => spread(way, (turn) => turn.peakMemory - bare.peakMemory).median / way.cores),
    );
    print(
      `${entries} entries of ${entryBytes} bytes, float32 weights of float16's precision; deflated to ${((100 * (archiveBytes.get("deflated") ?? 0)) / content).toFixed(0)} %`,
    );
    print(
      tableText([
        ["", "Cupel s", "peer s", "times", "MB above bare, a worker"],
        ...ways.map((way) => [
          nameOf(way),
          (spread(way, ({ oursMs }) => oursMs).median / 1000).toFixed(2),
          (spread(way, ({ peerMs }) => peerMs).median / 1000).toFixed(2),
          ratioText(ratio(way)),
          (spread(way, (turn) => turn.peakMemory - bare.peakMemory).median / way.cores / 1e6).toFixed(1),
        ]),
      ]),
    );
    return {
      kind: "measured",
      figures: {
        rounds: ways.map((way) => ({ ...way, turns: measured.get(way) })),
        archiveBytes: Object.fromEntries(archiveBytes),
        bareBytes: bare.peakMemory,
      },
      bars: [
        ...ways.flatMap((way) => {
          if (way.bar === null) return [];
          const found = ratio(way);
          const isMet = found.median >= way.bar;
          return {
            claim: `${nameOf(way)}: ${way.bar} times`,
            measured: ratioText(found),
            isMet,
            isExact: false,
          };
        }),
        {
          claim: "memory above the bare process, a worker: at most 40 MB",
          measured: megabytes(growth),
          isMet: growth <= mostGrowth,
          isExact: false,
        },
      ],
      quote: `SHA-256 and SM3 of a 1 GiB ZIP come ${ways.map((way) => `${ratioText(ratio(way))} as fast (${nameOf(way)})`).join(", ")} as by unzip, sha256sum and openssl.`,
    };
  },
};

function nameOf({ method, cores }: Way): string {
  return `${method}, ${cores === 1 ? "one core" : "two cores"}`;
}

async function missingProgram(): Promise<string | null> {
  for (const program of programs) {
    const isThere = await run("sh", ["-c", `command -v ${program}`]).then(
      () => true,
      () => false,
    );
    if (!isThere) return program;
  }
  return null;
}

/** Numbers of the processors that this process may use, as the system writes them: `0-3,8`. */
function allowedCores(): number[] {
  const status = process.platform === "linux" ? readFileSync("/proc/self/status", "utf8") : "";
  const list = /^Cpus_allowed_list:\s*(.+)$/m.exec(status)?.[1] ?? "";
  const ranges = list.split(",").map((range) => range.split("-").map(Number));
  const cores = ranges.flatMap(([first = 0, last = first]) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  );
  return cores.slice(0, availableParallelism());
}

async function timed(command: readonly string[]): Promise<{ readonly ms: number; readonly output: string }> {
  const [program = "", ...given] = command;
  const began = performance.now();
  const { stdout } = await run(program, given, { maxBuffer: 2 ** 24 });
  return { ms: performance.now() - began, output: stdout };
}

/** @param path null for a process that does nothing */
async function digest(reader: string, cores: number | string, path: string | null) {
  const { ms, output } = await timed([
    ...["taskset", "-c", String(cores), process.execPath, reader],
    ...(path === null ? [] : [path]),
  ]);
  const answer: DigestedArchive = JSON.parse(output);
  return { ms, ...answer };
}

/** @param printed by the peer: all SHA-256, then all SM3. @throws where one is another */
function assertSame(manifest: DigestedArchive["manifest"], printed: string): void {
  const theirs = printed.match(/^[0-9a-f]{64}/gm) ?? [];
  const ours = hashNames.flatMap((name) =>
    (manifest ?? []).map((entry) => (entry.kind === "file" ? entry[name] : "")),
  );
  if (ours.length === 2 * entries && ours.join() === theirs.join()) return;
  throw new Error("The digests of the archive's entries are not those of the unpacked files.");
}
