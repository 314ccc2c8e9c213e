/** The program that is traced: started with the streams of the command, waited for, its signals passed on. */
import { spawn } from "node:child_process";
import { reasonOf } from "@cupel/base";
import { type EnvTraceErrorCode, envTraceErrors, type PreparedTrace } from "@cupel/env-trace";

export interface TracedEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * @param areResultsOwn whether standard output is the program's alone; else what it prints there goes to standard error.
 * @throws TRACED_PROGRAM_NOT_STARTED
 */
export async function runTraced(
  [program = "", ...words]: readonly string[],
  trace: PreparedTrace,
  { signal, areResultsOwn }: { readonly signal: AbortSignal; readonly areResultsOwn: boolean },
): Promise<TracedEnd> {
  const env = { ...process.env, NODE_OPTIONS: trace.nodeOptions(process.env.NODE_OPTIONS) };
  // On Windows npm is a script of its shell.
  const shell = process.platform === "win32" && !/\.exe$/i.test(program);
  const child = spawn(program, words, {
    env,
    shell,
    stdio: ["inherit", areResultsOwn ? "inherit" : 2, "inherit"],
  });
  // A terminal gives it to the whole group; this is for who sends it to the command alone.
  const stop = () => child.kill("SIGINT");
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await new Promise<TracedEnd>((done, failed) => {
      child.on("error", failed).on("close", (status, by) => done({ status, signal: by }));
    });
  } catch (thrown) {
    const code: EnvTraceErrorCode = "TRACED_PROGRAM_NOT_STARTED";
    throw envTraceErrors.error(
      code,
      `Cannot start ${program}: ${reasonOf(thrown)}. See that it is on PATH.`,
      {
        cause: thrown,
        details: { program },
      },
    );
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
