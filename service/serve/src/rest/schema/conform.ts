/** Holds a body to its schema: the same that the OpenAPI document shows. */
import { Ajv2020 } from "ajv/dist/2020.js";
import type Type from "typebox";
import { serveErrors } from "../../errors.ts";
import { schemas } from "./schemas.ts";

const document = "urn:cupel:api";

const ajv = new Ajv2020({ ownProperties: true, strict: true, validateFormats: false });
ajv.addVocabulary(["components"]);
ajv.addSchema({ $id: document, components: { schemas } });

type Schemas = typeof schemas;

/** What checks a value of that name; it throws REQUEST_INVALID and says where. */
export function conformer<Name extends keyof Schemas & string>(
  name: Name,
): (value: unknown) => Type.Static<Schemas[Name]> {
  const validate = ajv.compile<Type.Static<Schemas[Name]>>({
    $ref: `${document}#/components/schemas/${name}`,
  });
  return (value) => {
    if (validate(value)) return value;
    const [first] = validate.errors ?? [];
    const where = first?.instancePath ? first.instancePath : "The body";
    throw serveErrors.error(
      "REQUEST_INVALID",
      `${where} ${first?.message ?? "does not conform"} (${name}).`,
      {
        details: { schema: name, pointer: first?.instancePath ?? "" },
      },
    );
  };
}
