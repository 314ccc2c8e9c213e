/** One run: a cell's load over a link that is open, to a server that runs, and what it cost both. */
import { readFileSync } from "node:fs";
import type { Target } from "../face/open-caller.ts";
import type { Link } from "../link/measured-link.ts";
import { countersSince, type RelayCounters } from "../link/relay-counters.ts";
import type { LoadGenerator } from "../load/generate-load.ts";
import type { GeneratorResult } from "../load/generator-process.ts";
import type { Cell, Scenario } from "../scenario/scenario.ts";
import type { FarServers } from "./far-servers.ts";
import type { Run } from "./plan.ts";

export interface RunFigures {
  readonly load: GeneratorResult;
  /** Null: no packets were counted. */
  readonly link: RelayCounters | null;
  /** Of the server, in the whole run with its warm-up. */
  readonly serverCpuSeconds: number;
}

export interface MeasuredRun extends Run, RunFigures {}

export interface RunOptions {
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly seed: number;
}

export interface MeasuredPlace {
  readonly link: Link;
  readonly servers: FarServers;
  /** At the near end of the link. */
  readonly generator: LoadGenerator;
}

/** @throws LINK_FAILED, LOAD_FAILED */
export async function measureRun(
  { link, servers, generator }: MeasuredPlace,
  { law, perSecond, bytes, deadlineMs }: Scenario["load"],
  cell: Cell,
  { warmUpMs, measureMs, seed }: RunOptions,
): Promise<RunFigures> {
  const { protocol, policy, congestion, connections, hedgeMs } = cell;
  const { server, url, tls } = await servers.of(cell.tls);
  await link.setTcp({ congestion, slowStartAfterIdle: connections === "cold" });
  const before = { link: await link.counters(), cpu: cpuSecondsOf(server.pid) };
  const target: Target = {
    kind: "face",
    url,
    by: cell.by,
    protocol,
    policy,
    deadlineMs,
    hedgeMs,
    tls,
    call: { ...server.call, bytes: cell.bytes ?? bytes },
  };
  const load = await generator.generate({
    load: { loop: "open", law, perSecond, durationMs: warmUpMs + measureMs, seed },
    warmUpMs,
    target,
    device: link.device,
  });
  const serverCpuSeconds = cpuSecondsOf(server.pid) - before.cpu;
  const after = await link.counters();
  return {
    load,
    link: before.link && after ? countersSince(before.link, after) : null,
    serverCpuSeconds,
  };
}

/** Of a process, with all its threads: fields 14 and 15 of proc_pid_stat(5), in hundredths of a second. NaN but on Linux. */
function cpuSecondsOf(pid: number): number {
  if (process.platform !== "linux") return Number.NaN;
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
