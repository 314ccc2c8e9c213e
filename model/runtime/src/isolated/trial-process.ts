/**
 * The process of a trial, from its caller's side.
 *
 *     caller                        process
 *     fork, send the task ───────►  guard thread on: memory, time, is the caller there?   every 10 ms
 *     wait for its end              main thread: load, run
 *       it told           ◄───────  what was fed, or why it failed
 *       the guard's word  ◄───────  over a limit: written, then SIGKILL by itself
 *       neither: it crashed
 *     signal aborted      ───────►  SIGKILL
 *
 * In every outcome the promise settles after the process has ended.
 */
import { type ChildProcess, fork } from "node:child_process";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { bytesText, type CupelError, moduleBeside, reasonOf, throwIfCancelled } from "@cupel/base";
import { runtimeErrors } from "../errors.ts";
import type { ChosenLimits } from "./isolation-limits.ts";
import {
  type GuardOrders,
  type GuardVerdict,
  guardDescriptor,
  type TrialMessage,
  type TrialOutcome,
  type TrialTask,
} from "./trial-protocol.ts";

/** Beyond the limit of time, for a process that does not even come to hold itself to it. */
const graceMs = 5_000;

const what = "The trial run";

/**
 * @param folder where the process works: a system that writes the memory of crashed processes into a file may put it there.
 * @throws MODEL_CRASHED_ENGINE, MODEL_OVER_MEMORY, MODEL_OVER_TIME, MEASUREMENT_FAILED, CANCELLED, DEADLINE_EXCEEDED
 */
export async function runTrialProcess(
  task: TrialTask,
  limits: ChosenLimits,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<TrialOutcome> {
  throwIfCancelled(signal, what);
  const orders: GuardOrders = { ...limits, caller: process.pid };
  const child = fork(fileURLToPath(moduleBeside(import.meta.url, "trial-child")), [JSON.stringify(orders)], {
    cwd: folder,
    execArgv: [],
    stdio: ["ignore", "ignore", "ignore", "ipc", "pipe"],
    serialization: "advanced",
  });
  const end = () => void child.kill("SIGKILL");
  signal?.addEventListener("abort", end, { once: true });
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    end();
  }, limits.time + graceMs);
  try {
    const { told, doing, verdict, how } = await endOf(child, task);
    throwIfCancelled(signal, what);
    if (told !== null) return told;
    if (verdict !== null) throw overLimit(task.model.name, doing, verdict, limits);
    if (isLate) throw overLimit(task.model.name, doing, { over: "time", resident: null }, limits);
    // Nobody here sent it: so ends what the system has no memory for.
    if (how === "SIGKILL") throw outOfMemory(task.model.name, doing ?? "being loaded", limits);
    throw crashed(task.model.name, doing, how);
  } finally {
    clearTimeout(late);
    signal?.removeEventListener("abort", end);
  }
}

interface ProcessEnd {
  readonly told: TrialOutcome | null;
  readonly doing: string | null;
  readonly verdict: GuardVerdict | null;
  /** A signal, or a status. */
  readonly how: string;
}

/** Settles when the process has ended and all it said has been read. @throws MEASUREMENT_FAILED */
function endOf(child: ChildProcess, task: TrialTask): Promise<ProcessEnd> {
  const { promise, resolve, reject } = Promise.withResolvers<ProcessEnd>();
  let told: TrialOutcome | null = null;
  let doing: string | null = null;
  let verdict = "";
  child.on("message", (message: TrialMessage) => {
    if (message.kind === "stage") doing = message.doing;
    else told = message;
  });
  const pipe = child.stdio[guardDescriptor];
  if (pipe instanceof Readable) {
    pipe.setEncoding("utf8").on("data", (text: string) => {
      verdict += text;
    });
  }
  child.on("error", (thrown) => {
    // One that was started will end, and tells more then.
    if (child.pid === undefined) reject(notStarted(thrown));
  });
  child.on("close", (status, killed) =>
    resolve({
      told,
      doing,
      verdict: readVerdict(verdict),
      how: killed ?? `status ${status}`,
    }),
  );
  child.send(task, () => {});
  return promise;
}

/** Null where there is none: what a process that went wrong wrote there is none either. */
function readVerdict(text: string): GuardVerdict | null {
  const [, over, resident] = /^(memory|time) (\d+)$/.exec(text) ?? [];
  return over === "memory" || over === "time" ? { over, resident: Number(resident) } : null;
}

function notStarted(thrown: unknown): CupelError {
  return runtimeErrors.error(
    "MEASUREMENT_FAILED",
    `No process could be started to try the model in: ${reasonOf(thrown)}. Look at the limits of processes and memory here.`,
    { cause: thrown },
  );
}

function crashed(name: string, doing: string | null, how: string): CupelError {
  if (doing === null) return notStarted(new Error(`it ended by ${how}`));
  return runtimeErrors.error(
    "MODEL_CRASHED_ENGINE",
    `The engine crashed on ${name} while it was ${doing}: its process ended by ${how}. Any process that loads this model ` +
      "may end the same way: do not load it, export it again or take it from another source.",
    { details: { model: name, doing, reason: how } },
  );
}

function outOfMemory(name: string, doing: string, { memory }: ChosenLimits): CupelError {
  return runtimeErrors.error(
    "MODEL_OVER_MEMORY",
    `The process that tried ${name} was ended by the system (SIGKILL) while it was ${doing}, within its limit of ${bytesText(memory)}: there is ` +
      "not that much memory here. Close other programs, or try the model where there is more.",
    { details: { model: name, doing, limit: memory, resident: null } },
  );
}

function overLimit(
  name: string,
  doing: string | null,
  { over, resident }: { readonly over: GuardVerdict["over"]; readonly resident: number | null },
  limits: ChosenLimits,
): CupelError {
  const when = doing ?? "being loaded";
  const details = { model: name, doing: when, limit: limits[over], resident };
  const advice = "A model whose maker you trust may be given more.";
  return over === "memory"
    ? runtimeErrors.error(
        "MODEL_OVER_MEMORY",
        `The process that tried ${name} took more memory than its limit of ${bytesText(limits.memory)} while it was ${when}, ` +
          `and was ended. ${advice}`,
        { details },
      )
    : runtimeErrors.error(
        "MODEL_OVER_TIME",
        `The process that tried ${name} was not done after the limit of ${limits.time / 1000} s; it was ${when}, and was ended. ${advice}`,
        { details },
      );
}
