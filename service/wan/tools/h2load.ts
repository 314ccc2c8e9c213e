/**
 * Our closed loop and h2load (nghttp2) against one server, in turn: 20 requests in flight on one HTTP/2 connection. What the
 * server takes is drawn from 20 to 80 ms, so that what the machine takes is little beside it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type ServerHttp2Stream } from "node:http2";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createRandom, openTemporaryFolder, quantile } from "@cupel/base";
import { thisMachine } from "../src/link/place.ts";
import { generateLoad } from "../src/load/generate-load.ts";

interface Pair {
  /** ms */
  readonly ours: number;
  readonly theirs: number;
}

export interface Rounds {
  readonly rounds: readonly { readonly mean: Pair; readonly p99: Pair }[];
}

const inFlight = 20;
const requests = 1_000;

export async function compareWithH2load(count: number): Promise<Rounds> {
  const random = createRandom(9);
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    void delay(20 + random.uniform() * 60).then(() => {
      if (stream.destroyed) return;
      stream.respond({ ":status": 200 });
      stream.end("x");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`;
  await using folder = await openTemporaryFolder("h2load");
  const rounds = [];
  for (let round = 0; round < count; round++) {
    const theirs = await peer(url, join(folder.path, `log-${round}`));
    const ours = await own(url);
    rounds.push({
      mean: { ours: ours.mean, theirs: theirs.mean },
      p99: { ours: ours.p99, theirs: theirs.p99 },
    });
  }
  server.close();
  return { rounds };
}

async function own(url: string): Promise<{ mean: number; p99: number }> {
  const target = { kind: "page", url, policy: { http: 2, connections: 1 }, deadlineMs: 10_000 } as const;
  const spec = { loop: "closed", inFlight, durationMs: (requests / inFlight) * 50 } as const;
  const { latency } = await generateLoad(
    { load: spec, warmUpMs: 200, target, device: null },
    { place: thisMachine },
  );
  return { mean: latency?.mean ?? 0, p99: latency?.p99 ?? 0 };
}

async function peer(url: string, log: string): Promise<{ mean: number; p99: number }> {
  const words = ["-n", String(requests), "-c", "1", "-m", String(inFlight), `--log-file=${log}`, url];
  const [status] = await once(spawn("h2load", words, { stdio: "ignore" }), "close");
  if (status !== 0) throw new Error(`h2load ended with status ${status}.`);
  // Start, status, and what it took in microseconds.
  const rows = (await readFile(log, "utf8")).trim().split("\n");
  const took = Float64Array.from(rows, (row) => Number(row.split("\t")[2]) / 1000).sort();
  return { mean: took.reduce((sum, each) => sum + each, 0) / took.length, p99: quantile(took, 0.99) };
}
