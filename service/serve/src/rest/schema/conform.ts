/** Holds a body to its schema: the same that the OpenAPI document shows. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type Type from "typebox";
import { serveErrors } from "../../errors.ts";
import { schemas } from "./schemas.ts";

const document = "urn:cupel:api";

const ajv = new Ajv2020({ ownProperties: true, strict: true, validateFormats: false });
ajv.addVocabulary(["components"]);
ajv.addSchema({ $id: document, components: { schemas } });

type Schemas = typeof schemas;

/** What checks a body of that name; it throws REQUEST_INVALID and says where. */
export function conformer<Name extends keyof Schemas & string>(
  name: Name,
): (value: unknown) => Type.Static<Schemas[Name]> {
  const reference = { $ref: `${document}#/components/schemas/${name}` };
  return throwing(ajv.compile<Type.Static<Schemas[Name]>>(reference), name);
}

/** What checks a value that is no body. @param what it is, such as "the query" */
export function conformTo<Schema extends Type.TSchema>(
  schema: Schema,
  what: string,
): (value: unknown) => Type.Static<Schema> {
  return throwing(ajv.compile<Type.Static<Schema>>(schema), what);
}

function throwing<T>(validate: ValidateFunction<T>, what: string): (value: unknown) => T {
  return (value) => {
    if (validate(value)) return value;
    const [first] = validate.errors ?? [];
    const where = first?.instancePath ? first.instancePath : "It";
    throw serveErrors.error(
      "REQUEST_INVALID",
      `The request does not conform to ${what}: ${where} ${first?.message ?? "is not valid"}.`,
      { details: { schema: what, pointer: first?.instancePath ?? "" } },
    );
  };
}
