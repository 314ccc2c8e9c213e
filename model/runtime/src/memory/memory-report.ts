/**
 * What a model costs in memory. Each figure comes from a process of its own, because an allocator gives
 * nothing back and a peak never sinks. Several figures, since each answers another question:
 *
 * - the peak of the whole process: what a container needs;
 * - the same above a bare process: what using the engine for this model adds to Node;
 * - the same above an engine at work on nothing: what the model alone adds, which compression can change;
 * - the anonymous part: what cannot be dropped under pressure and read again from the model's file.
 */
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  baseErrors,
  moduleBeside,
  openTemporaryFolder,
  reasonOf,
  reviveError,
  spreadOf,
  throwIfCancelled,
  type WorkOptions,
  writeFileAtomically,
} from "@cupel/base";
import { encodeModel } from "@cupel/onnx";
import { runtimeErrors } from "../errors.ts";
import type { InputForms } from "../measure/feed-dims.ts";
import { type EngineTuning, engineOptions } from "../session/engine-options.ts";
import { readSource } from "../session/graph-edits.ts";
import type { ModelSource } from "../session/model-source.ts";
import { fileWithNames } from "../session/repeated-names.ts";
import { idleModel } from "./idle-model.ts";
import type { MemoryOutcome, MemoryTask } from "./memory-protocol.ts";
import { parseProcStatus } from "./proc-status.ts";

export interface MemoryOptions extends EngineTuning, Pick<WorkOptions, "signal"> {
  /** Images a run. Default 1. */
  readonly batch?: number | undefined;
  /** Sizes that the model leaves open, and inputs that take no random values. Default: see `feedDims`. */
  readonly inputs?: InputForms | undefined;
  /** Runs in each process. Default 5: the engine's arena has settled by then. */
  readonly runs?: number | undefined;
  /** Processes of each kind; the figures are medians over them. Default 3. */
  readonly repeats?: number | undefined;
  /** Whether an engine at work on nothing is measured too, for `aboveEngine`. Default true. */
  readonly idle?: boolean | undefined;
}

/** Bytes; null where the system does not tell. */
export interface MemoryReport {
  readonly wholeProcess: number | null;
  /** Never below 0. */
  readonly aboveBare: number | null;
  /** Above a process whose engine runs a graph without weights on the same feeds. Never below 0; null without `idle`. */
  readonly aboveEngine: number | null;
  /** Peak, above the bare process's, sampled every few milliseconds. Linux only. */
  readonly anonymous: number | null;
  /** The bare process: Node with the engine's library loaded, no model. */
  readonly bareProcess: number | null;
}

interface Measured {
  readonly peakResident: number | null;
  readonly peakAnonymous: number | null;
}

const sampleEveryMs = 2;

/** Bare processes measured so far: no model changes what they take. */
const bare: Measured[] = [];

/**
 * Bytes in memory are first written to a temporary file: a shipped model is loaded from one.
 * @throws MEASUREMENT_FAILED when a process dies, CANCELLED, and what `openSession` and `InferenceSession.run` throw
 */
export async function measureMemory(source: ModelSource, options: MemoryOptions = {}): Promise<MemoryReport> {
  const { batch = 1, inputs = {}, runs = 5, repeats = 3, idle: withIdle = true, signal, ...tuning } = options;
  await using folder = await openTemporaryFolder();
  const given = typeof source === "string" ? source : join(folder.path, "model.onnx");
  if (typeof source !== "string") {
    await writeFileAtomically(given, source instanceof Uint8Array ? [source] : source, { signal });
  }
  const idlePath = join(folder.path, "idle.onnx");
  const model = await readSource(source);
  const path = await fileWithNames(given, folder.path, signal, model);
  if (withIdle) await writeFileAtomically(idlePath, encodeModel(idleModel(model)), { signal });
  const task = { options: engineOptions(tuning), runs, batch, inputs };
  const idle: Measured[] = [];
  const loaded: Measured[] = [];
  // One after the other: two processes would disturb each other's caches, not each other's figures.
  for (let repeat = 0; repeat < repeats; repeat++) {
    if (bare.length <= repeat) bare.push(await measureProcess({ ...task, path: null }, signal));
    if (withIdle) idle.push(await measureProcess({ ...task, path: idlePath }, signal));
    loaded.push(await measureProcess({ ...task, path }, signal));
  }
  const bareProcess = medianOf(bare.map((each) => each.peakResident));
  const wholeProcess = medianOf(loaded.map((each) => each.peakResident));
  return {
    wholeProcess,
    aboveBare: difference(wholeProcess, bareProcess),
    aboveEngine: difference(wholeProcess, medianOf(idle.map((each) => each.peakResident))),
    anonymous: difference(
      medianOf(loaded.map((each) => each.peakAnonymous)),
      medianOf(bare.map((each) => each.peakAnonymous)),
    ),
    bareProcess,
  };
}

/** Runs one probe to its end. */
async function measureProcess(task: MemoryTask, signal: AbortSignal | undefined): Promise<Measured> {
  throwIfCancelled(signal, "Measuring memory");
  const entry = fileURLToPath(moduleBeside(import.meta.url, "memory-probe"));
  const child = fork(entry, {
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    serialization: "advanced",
    signal,
  });
  let peakAnonymous: number | null = null;
  const sampler = setInterval(() => {
    const now = anonymousOf(child.pid);
    if (now !== null) peakAnonymous = Math.max(peakAnonymous ?? 0, now);
  }, sampleEveryMs);
  try {
    const outcome = await new Promise<MemoryOutcome>((resolve, reject) => {
      let told: MemoryOutcome | null = null;
      let complaint = "";
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        complaint += text;
      });
      child.on("message", (message: MemoryOutcome) => {
        told = message;
      });
      child.on("error", (thrown) => reject(signal?.aborted ? cancelled(signal) : died(reasonOf(thrown))));
      child.on("close", (status, killed) =>
        told ? resolve(told) : reject(died(`${killed ?? `status ${status}`} ${complaint}`.trim())),
      );
      child.send(task);
    });
    if (outcome.kind === "failed") throw reviveError(outcome.error);
    return { peakResident: outcome.peakResident, peakAnonymous };
  } finally {
    clearInterval(sampler);
  }
}

/** Synchronous on purpose: a few microseconds, and no sample taken late. */
function anonymousOf(pid: number | undefined): number | null {
  try {
    return parseProcStatus(readFileSync(`/proc/${pid}/status`, "utf8")).anonymous;
  } catch {
    // No /proc here, or the process has just ended.
    return null;
  }
}

function died(reason: string) {
  return runtimeErrors.error("MEASUREMENT_FAILED", `The process that measures memory failed: ${reason}`);
}

function cancelled(signal: AbortSignal) {
  return baseErrors.error("CANCELLED", "Measuring memory was cancelled.", { cause: signal.reason });
}

function medianOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length < values.length || known.length === 0 ? null : spreadOf(known).median;
}

function difference(value: number | null, from: number | null): number | null {
  return value === null || from === null ? null : Math.max(0, value - from);
}
