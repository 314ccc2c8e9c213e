/** Observations of a trace, a line of JSON each. A last line that is not whole, of a process that was killed, is passed over. */
import { conforms, type Schema } from "@cupel/base";
import { envTraceErrors } from "../errors.ts";
import type { Observation } from "../observation.ts";
import { linesOf, textOf } from "./logs/log-text.ts";

const count: Schema = { type: "integer", minimum: 0 };
const required: Readonly<Record<string, Schema>> = {
  at: { type: "number" },
  pid: count,
  kind: { enum: ["read", "write", "delete", "enumerate", "inherit", "report", "load-file"] },
  package: { type: "string" },
};

/** @throws ENV_LOG_INVALID with the line, ENV_LOG_TOO_LARGE */
export async function* readObservations(
  chunks: AsyncIterable<Uint8Array>,
  where: string,
): AsyncIterable<Observation> {
  let line = 0;
  let broken: number | null = null;
  for await (const text of linesOf(textOf(chunks), where)) {
    line++;
    if (text.trim() === "") continue;
    if (broken !== null) break;
    const value = parsed(text);
    if (isObservation(value)) yield value;
    else broken = line;
  }
  if (broken === null || broken === line) return;
  throw envTraceErrors.error(
    "ENV_LOG_INVALID",
    `${where}, line ${broken}: this is no observation of a trace.`,
    {
      details: { log: where, line: broken },
    },
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isObservation(value: unknown): value is Observation {
  if (typeof value !== "object" || value === null) return false;
  const members = new Map<string, unknown>(Object.entries(value));
  const isText = (name: string) => members.get(name) === null || typeof members.get(name) === "string";
  return (
    Object.entries(required).every(([name, schema]) => conforms(schema, members.get(name))) &&
    isText("key") &&
    isText("caller")
  );
}
