/** A schema of others, compiled: JSON Schema 2020-12 (also where it says no draft) or draft-07. */
import { reasonOf } from "@cupel/base";
import { Ajv, type Options, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { auditErrors } from "../../errors.ts";
import { refusalOf } from "../refusal.ts";

/** Others' schemas may have keywords of their own; what an object inherits is no member. */
const options: Options = { strict: false, ownProperties: true, logger: false, addUsedSchema: false };

const drafts: ReadonlyMap<string, () => Ajv> = new Map([
  ["https://json-schema.org/draft/2020-12/schema", () => new Ajv2020(options)],
  ["http://json-schema.org/draft-07/schema", () => new Ajv(options)],
]);

const usualDraft = "https://json-schema.org/draft/2020-12/schema";

/** `format` is asserted. References lead within the schema only. @throws EVENT_SCHEMA_INVALID */
export function compileSchema(schema: unknown): ValidateFunction {
  if (typeof schema === "boolean") return new Ajv2020(options).compile(schema);
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) {
    throw invalid("The schema is no object. Give a JSON Schema.");
  }
  const draft = "$schema" in schema ? String(schema.$schema).replace(/#$/, "") : usualDraft;
  const make = drafts.get(draft);
  if (make === undefined) {
    throw invalid(`The schema is of "${draft}", which is not supported. Supported are 2020-12 and draft-07.`);
  }
  const ajv = addFormats.default(make());
  if (!ajv.validateSchema(schema)) {
    const { pointer, message } = refusalOf(ajv.errors);
    throw invalid(`The schema is none of its draft: ${message}`, pointer);
  }
  if ("$async" in schema)
    throw invalid("The schema has $async, which is no keyword of its draft. Leave it out.");
  try {
    return ajv.compile(schema);
  } catch (thrown) {
    throw invalid(`The schema cannot be used: ${reasonOf(thrown)}.`, "", thrown);
  }
}

function invalid(message: string, pointer = "", cause?: unknown) {
  return auditErrors.error("EVENT_SCHEMA_INVALID", message, { details: { pointer }, cause });
}
