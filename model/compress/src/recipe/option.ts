/**
 * An option of a recipe, declared once: what it may be, what it is when left out, and what it means. The
 * recipe's types, its checks, its defaults, the table in the README and a JSON Schema for editors all come
 * from here. Beside JSON Schema's own keywords stands `expects`, which completes "must be ...".
 */
import { own } from "@cupel/base";
import { type Static, type TSchema, Type } from "typebox";
import { Check } from "typebox/value";
import { compressErrors } from "../errors.ts";

interface About<T> {
  readonly default: T;
  /** One line, for the README and for editors. */
  readonly description: string;
}

export function option<Expected extends TSchema>(expected: Expected, about: About<Static<Expected>>) {
  return { ...Type.Unsafe<Static<Expected>>({ ...expected, ...about }), ...about };
}

export function oneOf<const T extends readonly (string | number | boolean)[]>(...allowed: T) {
  return Type.Unsafe<T[number]>({
    enum: [...allowed],
    expects: `one of ${allowed.map((value) => JSON.stringify(value)).join(", ")}`,
  });
}

export function wholeFrom(minimum: number) {
  return Type.Integer({ minimum, expects: `a whole number from ${minimum}` });
}

export function numberBetween(exclusiveMinimum: number, exclusiveMaximum: number) {
  const expects = `a number between ${exclusiveMinimum} and ${exclusiveMaximum}`;
  return Type.Number({ exclusiveMinimum, exclusiveMaximum, expects });
}

export function orNull<Expected extends TSchema>(expected: Expected) {
  return Type.Unsafe<Static<Expected> | null>({
    anyOf: [expected, Type.Null()],
    expects: `${expectationOf(expected)}, or null`,
  });
}

type Options = Readonly<Record<string, TSchema>>;
export type ValuesOf<T extends Options> = { readonly [Key in keyof T]: Static<T[Key]> };

/**
 * The given values, checked, and the default of each that is left out.
 * @throws RECIPE_KEY_UNKNOWN, RECIPE_INVALID
 */
export function readOptions<T extends Options>(
  options: T,
  given: Readonly<Record<string, unknown>>,
  where: string,
): ValuesOf<T> {
  refuseUnknownKeys(given, Object.keys(options), where);
  for (const [key, value] of Object.entries(given)) {
    const expected = own(options, key)!;
    if (Check(expected, value)) continue;
    throw invalid(where, `"${key}" must be ${expectationOf(expected)}, not ${JSON.stringify(value)}`);
  }
  const values: unknown = { ...defaultsOf(options), ...given };
  const all = Type.Object({ ...options });
  if (Check(Type.Unsafe<ValuesOf<T>>(all), values)) return values;
  throw invalid(where, "a default is not what its option may be");
}

export function defaultsOf(options: Options): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).map(([key, schema]) => [key, "default" in schema ? schema.default : undefined]),
  );
}

function expectationOf(schema: TSchema): string {
  return "expects" in schema ? String(schema.expects) : "";
}

export function refuseUnknownKeys(given: object, known: readonly string[], where: string): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw compressErrors.error(
    "RECIPE_KEY_UNKNOWN",
    `${where}: nothing reads "${unknown}". Known here: ${known.join(", ") || "no options"}.`,
    { details: { key: unknown } },
  );
}

export function invalid(where: string, reason: string) {
  return compressErrors.error("RECIPE_INVALID", `${where}: ${reason}.`);
}
