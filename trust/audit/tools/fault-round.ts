/** One kind of fault, injected by strace into a process that records, and taken away again. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { assertThere, type Promised, startRecording } from "./kill-round.ts";

const calls = ["write", "pwrite64", "writev", "fsync", "fdatasync", "rename", "openat"] as const;
const errors = ["ENOSPC", "EIO", "EROFS", "EDQUOT"] as const;

/**
 * Expressions of strace's `inject`. Each call of a kind fails, or each third; `retval=0` is a write that takes nothing and
 * calls that a success. A count above 0 of bytes that were not written would be a device that lies, which nothing
 * that writes can see.
 */
export const faultCases: readonly string[] = [
  ...calls.flatMap((call) => errors.map((error) => `${call}:error=${error}:when=1+3`)),
  ...errors.map((error) => `fdatasync:error=${error}`),
  ...errors.map((error) => `pwrite64:error=${error}`),
  "pwrite64:retval=0:when=1+3",
  "pwrite64:retval=0",
  "fdatasync:delay_enter=300000:when=1+10",
];

export interface FaultRound {
  readonly promised: Promised;
  /** Ids of events that the second folder has, or the log by now. */
  readonly spilled: ReadonlySet<string>;
  readonly dropped: number;
  readonly refused: number;
}

/** Milliseconds. */
const withFault = 500;
const afterwards = 400;

export async function faultRound(folder: string, policy: string, injected: string): Promise<FaultRound> {
  const { child, lines } = startRecording(folder, [policy]);
  const promised: Promised = new Map();
  const spilled = new Set<string>();
  let dropped = 0;
  let refused = 0;
  let injection: Promise<void> | null = null;
  for await (const line of lines) {
    const [state, id, index] = line.split(" ");
    if (state === "open") injection = inject(child, injected);
    if (state === "logged" && id !== undefined && /^\d+$/.test(index ?? "")) promised.set(Number(index), id);
    if (state === "spilled" && id !== undefined && index === "null") spilled.add(id);
    if (state === "dropped") dropped++;
    if (state === "refused") refused++;
  }
  await injection;
  await assertThere(folder, promised);
  return { promised, spilled, dropped, refused };
}

async function inject(child: ChildProcess, injected: string): Promise<void> {
  const [call = ""] = injected.split(":");
  await pause(100);
  const strace = spawn(
    "strace",
    [
      "-f",
      "-q",
      "-o",
      "/dev/null",
      "-e",
      `trace=${call}`,
      "-e",
      `inject=${injected}`,
      "-p",
      String(child.pid),
    ],
    { stdio: "ignore" },
  );
  const ended = once(strace, "exit");
  await pause(withFault);
  strace.kill("SIGINT");
  await ended;
  await pause(afterwards);
  child.kill("SIGKILL");
}
