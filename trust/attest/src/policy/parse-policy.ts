/** A policy that somebody wrote, taken only when all of it is understood; a mistake is told by its place in the file. */
import { conforms, expectation, own, type Schema, suggest } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { type PolicyDocument, policySchema, signerSchemas } from "./policy-schema.ts";

/** @param where it is from, for messages. @throws POLICY_INVALID, whose details have `pointer` (RFC 6901) */
export function parsePolicy(text: string, where: string): PolicyDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw policyFault(where, "", "must be JSON", thrown);
  }
  if (!isPolicy(value)) {
    const { pointer, reason } = mistakeIn(policySchema, value, "");
    throw policyFault(where, pointer, reason);
  }
  const { signers, roots, rollback = "refuse", state } = value;
  if (signers === undefined && roots === undefined) {
    throw policyFault(where, "", "lets nothing in: give signers, or roots");
  }
  if (signers !== undefined && rollback === "refuse" && state === undefined) {
    throw policyFault(
      where,
      "/state",
      'must name a file that keeps which seals were seen, unless "rollback" is "allow"',
    );
  }
  if (state !== undefined && (rollback === "allow" || signers === undefined)) {
    throw policyFault(where, "/state", "is of use only with signers, where roll-back is refused");
  }
  return value;
}

function isPolicy(value: unknown): value is PolicyDocument {
  return conforms(policySchema, value);
}

interface Mistake {
  readonly pointer: string;
  /** Completes the name of the member: "must be ...". */
  readonly reason: string;
}

/** Of a value that does not conform: the first place that is not as it must be. */
function mistakeIn(schema: Schema, value: unknown, pointer: string): Mistake {
  if ("anyOf" in schema) {
    const signer = signerSchemaOf(value);
    return signer === null
      ? { pointer, reason: `must have one of ${Object.keys(signerSchemas).join(", ")}` }
      : mistakeIn(signer, value, pointer);
  }
  if ("type" in schema && schema.type === "array" && Array.isArray(value)) {
    const at = value.findIndex((each) => !conforms(schema.items, each));
    if (at !== -1) return mistakeIn(schema.items, value[at], `${pointer}/${at}`);
  }
  if ("type" in schema && schema.type === "object" && isObject(value)) {
    const names = Object.keys(schema.properties);
    for (const [name, its] of Object.entries(value)) {
      const at = `${pointer}/${escaped(name)}`;
      const known = own(schema.properties, name);
      if (known === undefined) return { pointer: at, reason: strangeText(name, names) };
      if (!conforms(known, its)) return mistakeIn(known, its, at);
    }
    const missing = schema.required.find((name) => !Object.hasOwn(value, name));
    if (missing !== undefined) return { pointer: `${pointer}/${missing}`, reason: "is missing" };
  }
  return { pointer, reason: `must be ${expectation(schema)}` };
}

function signerSchemaOf(value: unknown): Schema | null {
  if (!isObject(value)) return null;
  return Object.entries(signerSchemas).find(([mark]) => Object.hasOwn(value, mark))?.[1] ?? null;
}

function strangeText(name: string, names: readonly string[]): string {
  const near = suggest(name, names);
  return near === null
    ? `is not known; known are ${names.join(", ")}`
    : `is not known; did you mean ${near}?`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const escaped = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

/** @param reason completes "/signers/0/key ..." */
export function policyFault(where: string, pointer: string, reason: string, cause?: unknown) {
  return attestErrors.error(
    "POLICY_INVALID",
    `The policy ${where} is not valid: ${pointer || "it"} ${reason}.`,
    { cause, details: { pointer, reason } },
  );
}
