/** The most that this process ever had in memory. */
import { readFileSync } from "node:fs";
import { parseProcStatus } from "./proc-status.ts";

/**
 * Bytes; null where the system does not tell. Where there is no /proc, getrusage: on Linux that would include the
 * parent's memory from before exec.
 */
export function peakResident(): number | null {
  if (process.platform === "linux")
    return parseProcStatus(readFileSync("/proc/self/status", "utf8")).peakResident;
  const kilobytes = process.resourceUsage().maxRSS;
  return kilobytes > 0 ? kilobytes * 1024 : null;
}
