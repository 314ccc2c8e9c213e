/** Reads what the processes of a trace wrote, all of them together, in the order of time. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf } from "@cupel/base";
import { envTraceErrors } from "../errors.ts";
import type { Observation } from "../observation.ts";

export interface Collected {
  readonly observations: readonly Observation[];
  /** Lines that are none, as the last of a process that was killed while it wrote. */
  readonly broken: number;
}

/** @param folder of a trace. @throws TRACE_UNREADABLE */
export async function collectObservations(folder: string): Promise<Collected> {
  const observations: Observation[] = [];
  let broken = 0;
  for (const text of await filesOf(folder)) {
    for (const line of text.split("\n")) {
      if (line === "") continue;
      const found = observationFrom(line);
      if (found === null) broken++;
      else observations.push(found);
    }
  }
  observations.sort((a, b) => a.at - b.at);
  return { observations, broken };
}

async function filesOf(folder: string): Promise<string[]> {
  try {
    const names = (await readdir(folder)).filter((name) => name.endsWith(".jsonl")).sort();
    return await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  } catch (thrown) {
    throw envTraceErrors.error(
      "TRACE_UNREADABLE",
      `Cannot read the trace in ${folder}: ${reasonOf(thrown)}.`,
      {
        cause: thrown,
        details: { folder },
      },
    );
  }
}

const kinds: ReadonlySet<unknown> = new Set([
  "read",
  "write",
  "delete",
  "enumerate",
  "inherit",
  "report",
  "load-file",
]);
const classes: ReadonlySet<unknown> = new Set(["package", "tool", "program"]);
const isText = (value: unknown) => typeof value === "string";
const isCount = (value: unknown) => Number.isSafeInteger(value);
const orNull = (is: (value: unknown) => boolean) => (value: unknown) => value === null || is(value);

const members: Readonly<Record<keyof Observation, (value: unknown) => boolean>> = {
  at: Number.isFinite,
  pid: isCount,
  thread: isCount,
  kind: (value) => kinds.has(value),
  key: orNull(isText),
  package: isText,
  caller: orNull(isText),
  class: (value) => classes.has(value),
  file: orNull(isText),
  line: orNull(isCount),
  denied: (value) => typeof value === "boolean",
  count: isCount,
  command: orNull(isText),
  child: orNull(isCount),
};

/** null: cut short, or no observation. A traced program can write into the folder too. */
function observationFrom(line: string): Observation | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null) return null;
    const given = new Map<string, unknown>(Object.entries(value));
    return Object.entries(members).every(([name, is]) => is(given.get(name))) ? (value as Observation) : null;
  } catch {
    return null;
  }
}
