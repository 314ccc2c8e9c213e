/**
 * Load on one face, in a process of its own: so many callers, each with a connection of its own, ask again when they are
 * answered. Plans on standard input, one a line as JSON, a report a line on standard output.
 */
import { createInterface } from "node:readline";
import { type FaceAsk, openFace } from "./face-connection.ts";

export interface FacePlan {
  readonly port: number;
  readonly ask: FaceAsk;
  readonly callers: number;
  readonly durationMs: number;
}

export interface FaceReport {
  readonly answered: number;
  /** What a face answered instead, or how it ended. */
  readonly failures: readonly string[];
  readonly perSecond: number;
  /** In ms. */
  readonly p50: number;
  readonly p99: number;
  /** On the wire of a request and its answer, both ways; of an average one, with what opens a connection. */
  readonly bytes: number;
  /** Share of one core that this process took. */
  readonly generatorShare: number;
}

async function load({ port, ask, callers, durationMs }: FacePlan): Promise<FaceReport> {
  const latencies: number[] = [];
  const failures: string[] = [];
  let bytes = 0;
  const cpu = process.cpuUsage();
  const started = performance.now();
  const caller = async (): Promise<void> => {
    const connection = await openFace(port, ask);
    try {
      while (performance.now() - started < durationMs) {
        const sentAt = performance.now();
        await connection.ask();
        latencies.push(performance.now() - sentAt);
      }
    } catch (thrown) {
      failures.push(String(thrown).slice(0, 500));
    } finally {
      bytes += connection.bytes;
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const tookMs = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
  return {
    answered: latencies.length,
    failures,
    perSecond: (latencies.length / tookMs) * 1000,
    p50: at(0.5),
    p99: at(0.99),
    bytes: bytes / latencies.length,
    generatorShare: (user + system) / 1000 / tookMs,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await load(JSON.parse(line))));
}
