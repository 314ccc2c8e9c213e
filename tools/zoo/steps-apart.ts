/**
 * Steps that a process of its own goes through with one model: it tells of each and of its outcome, and may die or be ended
 * in any. What it was in then has failed, and what it told of before stays.
 */
import { fork } from "node:child_process";
import { CupelError, reasonOf } from "@cupel/base";

/** What went wrong, by a code that is Cupel's where it has one. */
export interface Failed {
  readonly ok: false;
  readonly code: string;
  readonly reason: string;
}

/** Of a process that died or was ended, for the step it was in. */
const CRASHED = "CRASHED";
const TIME_LIMIT = "TIME_LIMIT";

type Told<Step, Outcome> =
  | { readonly started: Step }
  | { readonly ended: Step; readonly outcome: Outcome | Failed };

/** @param script that calls `stepApart`. @param seconds it may take. @returns outcomes of the steps that began */
export function stepsApart<Step extends string, Outcome>(
  script: string,
  args: readonly string[],
  { cwd, seconds }: { readonly cwd: string; readonly seconds: number },
): Promise<Partial<Record<Step, Outcome | Failed>>> {
  const outcomes: Partial<Record<Step, Outcome | Failed>> = {};
  let under: Step | null = null;
  const child = fork(script, [...args], {
    cwd,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    timeout: 1000 * seconds,
    killSignal: "SIGKILL",
  });
  child.on("message", (told: Told<Step, Outcome>) => {
    if ("started" in told) under = told.started;
    else {
      under = null;
      outcomes[told.ended] = told.outcome;
    }
  });
  return new Promise((settle) => {
    child.on("close", (status, signal) => {
      if (under !== null) {
        const code = signal === "SIGKILL" ? TIME_LIMIT : CRASHED;
        const reason = `the process ended with ${signal ?? `status ${status}`}`;
        const failed: Failed = { ok: false, code, reason };
        outcomes[under] = failed;
      }
      settle(outcomes);
    });
  });
}

/** In that process. @returns whether the step went well */
export async function stepApart<Figures extends object>(
  step: string,
  measure: () => Promise<Figures>,
): Promise<boolean> {
  process.send?.({ started: step });
  const outcome = await measure().then(
    (figures) => ({ ok: true as const, ...figures }),
    (thrown: unknown): Failed => ({
      ok: false,
      code: codeOf(thrown),
      reason: lastLine(reasonOf(thrown)),
    }),
  );
  process.send?.({ ended: step, outcome });
  return outcome.ok;
}

/** Of Cupel's errors their own; what is none of them is a fault of Cupel, or of Python. */
function codeOf(thrown: unknown): string {
  if (thrown instanceof CupelError) return thrown.code;
  if (thrown instanceof Error && "stderr" in thrown) return "PYTHON_FAILED";
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "THROWN";
}

/** Python's errors end with the line that tells. */
function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)!.slice(0, 300);
}

/** What a step throws where what it found is wrong. */
export function failure(code: string, reason: string): Error {
  return Object.assign(new Error(reason), { code });
}
