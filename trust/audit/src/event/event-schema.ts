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

/** The name of a fact. "__proto__" is none. */
export const factNamePattern = "^[A-Za-z][A-Za-z0-9_.-]{0,63}$";

export const utcPattern = "Z$";

/** Of a writer; also what `createEventStamper` takes. */
export const writerPattern = "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$";

interface Form {
  readonly id: string;
  readonly title: string;
  /** Characters. */
  readonly longestFact: number;
  readonly factName: string;
  /** Of `ctx.ip`, any of which will do. */
  readonly addresses: readonly Readonly<Record<string, string>>[];
}

const addresses = [
  { format: "ipv4" },
  { format: "ipv6" },
  // Link-local, with its zone.
  { pattern: "^[Ff][Ee][89ABab][0-9A-Fa-f:.]{2,40}%[0-9A-Za-z_.-]{1,64}$" },
] as const;

/** What an event must be before it is masked. */
export const eventSchema = schemaOf({
  id: "urn:cupel:schema:audit-event",
  title: "Event of the audit record",
  longestFact,
  factName: factNamePattern,
  addresses,
});

/** What stands in the record: the same, or what masking made of it. It may lengthen a fact and put * into names. */
export const recordedEventSchema = schemaOf({
  id: "urn:cupel:schema:recorded-audit-event",
  title: "Event as it stands in the audit record, masked or not",
  longestFact: 65_535,
  factName: "^[A-Za-z0-9*][A-Za-z0-9_.*-]{0,63}$",
  addresses: [
    ...addresses,
    // Encrypted, a pseudonym, nothing left, the network alone.
    { pattern: "^(\\[enc1\\.[A-Za-z0-9_.-]+\\]|psn1\\.[A-Za-z0-9_-]+|\\*{3}|[0-9A-Fa-f.:]+\\*)$" },
  ],
});

function schemaOf(form: Form): Readonly<Record<string, unknown>> {
  const fact = Type.String({ maxLength: form.longestFact, pattern: visiblePattern });
  const facts = {
    additionalProperties: fact,
    propertyNames: { pattern: form.factName },
    maxProperties: mostFacts,
  };
  const event = Type.Object(
    {
      id: Type.String({ pattern: uuidV7Pattern, description: "UUIDv7" }),
      time: Type.String({
        format: "date-time",
        pattern: utcPattern,
        maxLength: 35,
        description: "RFC 3339 in UTC, as fine as the clock was",
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
          id: Type.String({ minLength: 1, maxLength: form.longestFact, pattern: visiblePattern }),
          kind: Type.Enum(Object.keys(subjectKinds)),
        },
        { ...facts, description: "Who did it" },
      ),
      obj: Type.Object({}, { ...facts, description: "What it was done to" }),
      ctx: Type.Object(
        { ip: Type.Optional(Type.String({ anyOf: form.addresses, description: "Of the caller, no port" })) },
        { ...facts, description: "How, and from where" },
      ),
    },
    { additionalProperties: false },
  );
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: form.id,
    title: form.title,
    ...event,
    allOf: subjectsByAction(),
  };
}

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
