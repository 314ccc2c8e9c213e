/** The process of the generator: nothing that it measures shares its event loop. */
import { once } from "node:events";
import { openCaller, type Target } from "../face/open-caller.ts";
import { runInRealTime } from "../link/real-time.ts";
import { serveJob } from "../link/serve-job.ts";
import { type NetworkCounters, networkSince, readNetworkCounters } from "./network-counters.ts";
import { type LoadFigures, type LoadSpec, runLoad } from "./run-load.ts";

export interface GeneratorJob {
  readonly load: LoadSpec;
  readonly warmUpMs: number;
  readonly target: Target;
  /** Whose packets are counted; null: the machine has others too. */
  readonly device: string | null;
}

export interface GeneratorResult extends LoadFigures {
  /** Of the generator, since the warm-up. */
  readonly cpuSeconds: number;
  /** Since the warm-up. */
  readonly network: NetworkCounters | null;
  /** Begun in the whole run: those of the warm-up too. */
  readonly connections: number | null;
}

async function generate(
  { load, warmUpMs, target, device }: GeneratorJob,
  signal: AbortSignal,
): Promise<GeneratorResult> {
  globalThis.gc?.();
  using caller = await openCaller(target);
  const read = () => (device === null ? null : readNetworkCounters(device));
  const begun = read();
  let before = begun;
  let cpu = process.cpuUsage();
  const figures = await runLoad(load, caller, {
    signal,
    warmUpMs,
    onMeasure() {
      before = read();
      cpu = process.cpuUsage();
    },
  });
  const { user, system } = process.cpuUsage(cpu);
  const after = read();
  return {
    ...figures,
    cpuSeconds: (user + system) / 1e6,
    network: before && after ? networkSince(before, after) : null,
    connections: begun && after ? networkSince(begun, after).connections : null,
  };
}

await serveJob(async (_: null, { signal, ready, onAsk }) => {
  await runInRealTime();
  // Whoever asks is of the same release.
  onAsk((job) => generate(job as GeneratorJob, signal));
  ready(null);
  if (!signal.aborted) await once(signal, "abort");
});
