/**
 * The schema of an event of the record, JSON Schema 2020-12: what `checkEvent` is compiled from, what
 * `cupel audit validate` takes where no other is given, and what others check our events with. Two bounds it cannot say:
 * that of the line (see line.ts), and that its text is UTF-8.
 */
import type { EventSeverity } from "@cupel/base";
import Type from "typebox";
import { actionCodes, actions } from "./actions.ts";
import { subjectKinds } from "./subject-kinds.ts";
import { uuidV7Pattern } from "./uuid-v7.ts";
import { visiblePattern } from "./visible-text.ts";

/** Characters that a fact may have. Error messages and paths fit; a document does not belong into the record. */
export const longestFact = 4096;

/** Facts that each of subject, object and context may have. */
export const mostFacts = 32;

export const severities = ["INFO", "WARN", "ERROR", "CRITICAL"] as const satisfies readonly EventSeverity[];

const fact = Type.String({ maxLength: longestFact, pattern: visiblePattern });

/** The name of a fact. "__proto__" is none. */
export const factNamePattern = "^[A-Za-z][A-Za-z0-9_.-]{0,63}$";

const facts = {
  additionalProperties: fact,
  propertyNames: { pattern: factNamePattern },
  maxProperties: mostFacts,
} as const;

const address = Type.String({
  description: "The address of the caller; of a link-local one the zone may follow.",
  anyOf: [
    { format: "ipv4" },
    { format: "ipv6" },
    { pattern: "^[Ff][Ee][89ABab][0-9A-Fa-f:.]{2,40}%[0-9A-Za-z_.-]{1,64}$" },
  ],
});

export const utcPattern = "Z$";

/** Of a writer; also what `createEventStamper` takes. */
export const writerPattern = "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$";

const event = Type.Object(
  {
    id: Type.String({ pattern: uuidV7Pattern, description: "UUIDv7" }),
    time: Type.String({
      format: "date-time",
      pattern: utcPattern,
      description: "RFC 3339 in UTC, as fine as the clock was",
      maxLength: 35,
    }),
    writer: Type.String({
      pattern: writerPattern,
      description: "The recorder; with seq it gives the order of its events",
    }),
    seq: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "Counts one writer's events",
    }),
    severity: Type.Enum([...severities]),
    action: Type.Enum([...actionCodes], { description: "What was done" }),
    sub: Type.Object(
      {
        id: Type.String({ minLength: 1, maxLength: longestFact, pattern: visiblePattern }),
        kind: Type.Enum(Object.keys(subjectKinds)),
      },
      { ...facts, description: "Who did it" },
    ),
    obj: Type.Object({}, { ...facts, description: "What it was done to" }),
    ctx: Type.Object({ ip: Type.Optional(address) }, { ...facts, description: "How, and from where" }),
  },
  { additionalProperties: false },
);

export const eventSchema: Readonly<Record<string, unknown>> = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "https://cupel.dev/schema/audit-event.json",
  title: "Event of the audit record",
  ...event,
  allOf: subjectsByAction(),
};

/** One rule for all actions that the same kinds of subject can do. */
function subjectsByAction() {
  const codesByKinds = new Map<string, string[]>();
  for (const [code, { subjects }] of Object.entries(actions)) {
    const kinds = [...subjects].sort().join();
    codesByKinds.set(kinds, [...(codesByKinds.get(kinds) ?? []), code]);
  }
  return Array.from(codesByKinds, ([kinds, codes]) => ({
    if: { properties: { action: { enum: codes } } },
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
    then: { properties: { sub: { properties: { kind: { enum: kinds.split(",") } } } } },
  }));
}
