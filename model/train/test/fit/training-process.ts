/** `train-in-process.ts` as its parent sees it: killed after a step, or begun under a shell's limit. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const entry = fileURLToPath(new URL("train-in-process.ts", import.meta.url));
/** 72 images are left to train with, 8 a step, 3 epochs. */
export const totalSteps = 27;

export interface TrainingProcess {
  /** "" for none; resumed where it is there. */
  readonly checkpoint: string;
  readonly out: string;
  /** The step after which the process is killed, in whatever it does then. Default: it is not. */
  readonly killAt?: number;
  /** What a shell does before, such as setting a limit. */
  readonly shell?: string;
}

export interface Ended {
  /** Those that were done. */
  readonly steps: readonly number[];
  /** Null when it was killed. */
  readonly status: number | null;
  readonly told: string;
}

export async function runTraining({
  checkpoint,
  out,
  killAt,
  shell = "true",
}: TrainingProcess): Promise<Ended> {
  const child = spawn("bash", ["-c", `${shell}; exec "$0" "$@"`, process.execPath, entry, checkpoint, out], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  let told = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  const steps: number[] = [];
  for await (const line of createInterface(child.stdout)) {
    steps.push(Number(line));
    if (killAt !== undefined && Number(line) >= killAt) child.kill("SIGKILL");
  }
  const [status, signal] = await closed;
  if (killAt !== undefined) assert.equal(signal, "SIGKILL", told);
  return { steps, status, told };
}
