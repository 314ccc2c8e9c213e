/** The process of the generator: nothing that it measures shares its event loop. */
import { openCaller, type Target } from "../face/open-caller.ts";
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

await serveJob(
  async ({ load, warmUpMs, target, device }: GeneratorJob, { signal }): Promise<GeneratorResult> => {
    using caller = openCaller(target);
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
  },
);
