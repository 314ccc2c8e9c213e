/** What the schemas of bodies are made of. */
import Type from "typebox";

/** Another schema, by its name in the document. */
export function ref<T>(name: string) {
  return Type.Unsafe<T>({ $ref: `#/components/schemas/${name}` });
}

export function object<const Properties extends Type.TProperties>(
  description: string,
  properties: Properties,
) {
  return Type.Object(properties, { description });
}

export function text(description: string) {
  return Type.String({ description });
}

export function count(description: string) {
  return Type.Integer({ minimum: 0, description });
}

export type ParameterRecord = Readonly<Record<string, boolean | number | string>>;
