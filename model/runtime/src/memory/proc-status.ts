/** The memory lines of Linux's /proc/<pid>/status, in bytes. Pure: text in, numbers out. See proc(5). */
export interface ProcMemory {
  /** `VmHWM`: the most that was ever resident, mapped files included. */
  readonly peakResident: number | null;
  /** `RssAnon`: resident now and backed by no file, so it cannot be dropped and read again. */
  readonly anonymous: number | null;
}

export function parseProcStatus(text: string): ProcMemory {
  return { peakResident: kilobytes(text, "VmHWM"), anonymous: kilobytes(text, "RssAnon") };
}

function kilobytes(text: string, field: string): number | null {
  const match = text.match(new RegExp(`^${field}:\\s*(\\d+) kB$`, "m"));
  return match ? Number(match[1]) * 1024 : null;
}
