/** Runs a comparison: a link, a server at its far end, and the runs of the plan, with the link verified before each round. */
import { readFileSync } from "node:fs";
import { type Progress, silentProgress, throwIfCancelled } from "@cupel/base";
import type { Target } from "../face/open-caller.ts";
import { openEmulatedLink } from "../link/emulated-link.ts";
import { deviceName } from "../link/open-tun.ts";
import { countersSince, type RelayCounters } from "../link/relay-counters.ts";
import { type LinkVerification, verifyLink } from "../link/verify-link.ts";
import { generateLoad } from "../load/generate-load.ts";
import type { GeneratorResult } from "../load/generator-process.ts";
import { assertScenario, type Scenario } from "../scenario/scenario.ts";
import { FarServers, type StartServer } from "./far-servers.ts";
import { type PlanOptions, planRuns, type Run } from "./plan.ts";

export interface ComparisonOptions extends PlanOptions {
  readonly startServer: StartServer;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

export interface MeasuredRun extends Run {
  readonly load: GeneratorResult;
  readonly link: RelayCounters;
  /** Of the server, in the whole run with its warm-up. */
  readonly serverCpuSeconds: number;
}

export interface ComparedLink {
  readonly name: string;
  /** One a round. */
  readonly verifications: readonly LinkVerification[];
  readonly runs: readonly MeasuredRun[];
}

/** @throws SCENARIO_INVALID, LINK_UNAVAILABLE, LINK_FAILED, LINK_OFF, LOAD_FAILED */
export async function runComparison(
  scenario: Scenario,
  options: ComparisonOptions,
): Promise<readonly ComparedLink[]> {
  assertScenario(scenario);
  const runs = planRuns(scenario.cells, options);
  const { progress = silentProgress } = options;
  using task = progress.start(`Comparing over ${scenario.name}`, scenario.links.length * runs.length, "runs");
  const compared: ComparedLink[] = [];
  for (const { name, spec } of scenario.links) {
    await using link = await openEmulatedLink(spec, options);
    await using servers = new FarServers(link.far, options.startServer);
    const verifications: LinkVerification[] = [];
    const measured: MeasuredRun[] = [];
    for (const run of runs) {
      throwIfCancelled(options.signal, "The comparison");
      const cell = scenario.cells[run.cell]!;
      if (run.round === verifications.length) verifications.push(await verifyLink(link, spec, options));
      const { server, tls } = await servers.of(cell.tls);
      await link.setTcp({ congestion: cell.congestion, slowStartAfterIdle: cell.connections === "cold" });
      const before = { link: await link.counters(), cpu: cpuSecondsOf(server.pid) };
      const { law, perSecond, bytes, deadlineMs } = scenario.load;
      const { protocol, policy, hedgeMs } = cell;
      const target: Target = {
        kind: "face",
        url: server.url,
        protocol,
        policy,
        deadlineMs,
        hedgeMs,
        tls,
        call: { ...server.call, bytes: cell.bytes ?? bytes },
      };
      const { warmUpMs, measureMs } = options;
      const load = await generateLoad(
        {
          load: { loop: "open", law, perSecond, durationMs: warmUpMs + measureMs, seed: run.seed },
          warmUpMs,
          target,
          device: deviceName,
        },
        { place: link.near, signal: options.signal },
      );
      const serverCpuSeconds = cpuSecondsOf(server.pid) - before.cpu;
      measured.push({
        ...run,
        load,
        link: countersSince(before.link, await link.counters()),
        serverCpuSeconds,
      });
      task.advance();
    }
    compared.push({ name, verifications, runs: measured });
  }
  return compared;
}

/** Of a process, with all its threads: fields 14 and 15 of proc_pid_stat(5), in hundredths of a second. */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
