/**
 * Makes of a document that may leave things out one that has everything, notes where each value came from, and refuses
 * keys that the schema does not have, with the one that was probably meant. Whether values fit is asked after it.
 */
import { dirname, resolve } from "node:path";
import { own, setOwn, suggest } from "@cupel/base";
import Type, { type TSchema } from "typebox";
import { serveErrors } from "../../errors.ts";

/** From a file, from a flag of the command line, or because nobody said anything. */
export type Origin = "file" | "flag" | "default";

export interface Layer {
  readonly origin: Origin;
  /** The file that relative paths are relative to; null: to the working folder. */
  readonly file: string | null;
}

/** By JSON pointer (RFC 6901), of every value that is no object and no list. */
export type Origins = Map<string, Origin>;

export function pointerTo(parent: string, key: string | number): string {
  return `${parent}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** @throws CONFIG_INVALID where a key is unknown */
export function fillDefaults(
  schema: TSchema,
  given: unknown,
  origins: Origins,
  layerOf: (pointer: string) => Layer,
  pointer = "",
): unknown {
  if (Type.IsUnion(schema)) {
    const fits = schema.anyOf.find((each) => isOfKind(each, given));
    if (fits) return fillDefaults(fits, given, origins, layerOf, pointer);
  }
  if (Type.IsObject(schema) && isRecord(given)) {
    refuseUnknown(Object.keys(schema.properties), given, pointer);
    const filled: Record<string, unknown> = {};
    for (const [key, its] of Object.entries(schema.properties)) {
      const at = pointerTo(pointer, key);
      const said = own(given, key);
      const fallback: unknown = "default" in its && !Type.IsOptional(its) ? its.default : undefined;
      const value = said === undefined ? structuredClone(fallback) : said;
      if (value === undefined) continue;
      const layers = said === undefined ? () => defaultLayer : layerOf;
      setOwn(filled, key, fillDefaults(its, value, origins, layers, at));
    }
    return filled;
  }
  if (Type.IsArray(schema) && Array.isArray(given)) {
    // A list comes from one place as a whole.
    origins.set(pointer, layerOf(pointer).origin);
    return given.map((each, i) => fillDefaults(schema.items, each, origins, layerOf, pointerTo(pointer, i)));
  }
  const { origin, file } = layerOf(pointer);
  origins.set(pointer, origin);
  return typeof given === "string" && file !== null && "path" in schema ? beside(file, given) : given;
}

const defaultLayer: Layer = { origin: "default", file: null };

function isOfKind(schema: TSchema, value: unknown): boolean {
  if (Type.IsNull(schema)) return value === null;
  if (Type.IsObject(schema)) return isRecord(value);
  return Type.IsArray(schema) ? Array.isArray(value) : typeof value !== "object";
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuseUnknown(known: readonly string[], given: object, pointer: string): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const meant = suggest(unknown, known);
  const advice = meant === null ? `Known are ${known.join(", ")}.` : `Did you mean "${meant}"?`;
  throw serveErrors.error(
    "CONFIG_INVALID",
    `There is no setting "${unknown}" in ${pointer === "" ? "the configuration" : pointer}. ${advice}`,
    { details: { pointer: pointerTo(pointer, unknown), expected: `one of ${known.join(", ")}`, meant } },
  );
}

/** URLs, which some settings take as well, stay as they are. */
function beside(file: string, path: string): string {
  return /^https?:\/\//i.test(path) ? path : resolve(dirname(file), path);
}
