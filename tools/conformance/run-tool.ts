/** Runs a client or suite that no one here wrote, or says by its name that it is skipped. */
import { spawnSync } from "node:child_process";

/** CUPEL_PYTHON names a Python that has the packages. */
export const python = process.env.CUPEL_PYTHON ?? "python3";

export function hasPackage(name: string): boolean {
  return spawnSync(python, ["-c", `import ${name}`], { stdio: "ignore" }).status === 0;
}

/** Ends this process with the status of skipping. */
export function skip(what: string, reason: string): never {
  console.log(`skipped: ${what}: ${reason}`);
  process.exit(0);
}

/** Its exit status; its output goes to ours. */
export function run(command: string, args: readonly string[]): number {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (error) throw error;
  return status ?? 1;
}
