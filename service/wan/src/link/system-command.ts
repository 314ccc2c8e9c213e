/** Runs a command of the system to its end, such as ip. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { reasonOf } from "@cupel/base";
import { wanErrors } from "../errors.ts";

const run = promisify(execFile);

/** @returns what it wrote. @throws LINK_FAILED with what it said */
export async function systemCommand(command: string, ...words: readonly string[]): Promise<string> {
  try {
    return (await run(command, words)).stdout;
  } catch (cause) {
    throw wanErrors.error("LINK_FAILED", `"${[command, ...words].join(" ")}" failed: ${reasonOf(cause)}`, {
      cause,
    });
  }
}
