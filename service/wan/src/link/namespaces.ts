/**
 * Network namespaces that this process owns. A name carries the mark of its owner: what a killed process left is removed
 * by the next that makes one, with the processes in it, and nothing else is.
 */
import { isAbandoned, ownerMark } from "@cupel/base";
import { systemCommand } from "./system-command.ts";

/** cupelwan-PLACE-PID-START-NUMBER */
const form = /^cupelwan-([0-9a-f]{8}-\d+-[0-9a-f]+)-\d+$/;

let made = 0;

export interface Namespace extends AsyncDisposable {
  readonly name: string;
}

/** @throws LINK_FAILED */
export async function makeNamespace(): Promise<Namespace> {
  const name = `cupelwan-${ownerMark()}-${++made}`;
  await systemCommand("ip", "netns", "add", name);
  return { name, [Symbol.asyncDispose]: () => removeNamespace(name) };
}

/** @returns the names of those that were removed. @throws LINK_FAILED */
export async function sweepNamespaces(): Promise<readonly string[]> {
  const abandoned = (await namespaces()).filter((name) => isAbandoned(form.exec(name)?.[1] ?? ""));
  // Another process may be at it too.
  for (const name of abandoned) await removeNamespace(name).catch(() => {});
  return abandoned;
}

/** All there are, this process's among them. @throws LINK_FAILED */
export async function namespaces(): Promise<readonly string[]> {
  const list = await systemCommand("ip", "netns", "list");
  return list
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((name) => form.test(name));
}

async function removeNamespace(name: string): Promise<void> {
  for (const pid of (await systemCommand("ip", "netns", "pids", name)).split("\n").filter(Boolean)) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  }
  await systemCommand("ip", "netns", "delete", name);
}
