/** Asks the system about its processor: the edge of `cpu-features.ts`. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import {
  type CpuDescription,
  type CpuFeatures,
  judgeCpu,
  parseCpuinfo,
  parseSysctl,
} from "./cpu-features.ts";

const silent: CpuDescription = { model: null, features: null };

const describers: Partial<Record<NodeJS.Platform, () => CpuDescription>> = {
  linux: () => parseCpuinfo(readFileSync("/proc/cpuinfo", "utf8")),
  darwin: () =>
    parseSysctl(
      execFileSync("sysctl", ["hw.optional", "machdep.cpu"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }),
    ),
};

/** The processor this process runs on. Never throws: a system that tells nothing yields "unknown". */
export function cpuFeatures(): CpuFeatures {
  return judgeCpu(describe(), { cores: availableParallelism(), architecture: process.arch });
}

function describe(): CpuDescription {
  try {
    return describers[process.platform]?.() ?? silent;
  } catch {
    // Locked-down systems hide /proc or sysctl; not knowing is an answer here.
    return silent;
  }
}
