/** The effective configuration of a server: a file, flags over it, defaults under it, checked against the schema. */
import { expectation, readRegular, reasonOf, type Schema, starPattern } from "@cupel/base";
import Type, { type Static, type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { parseDocument } from "yaml";
import { serveErrors } from "../../errors.ts";
import type { VersionPolicy } from "../../repository/version-policy.ts";
import { configSchema, keyRows, type ServeConfig } from "./config-schema.ts";
import { fillDefaults, isRecord, type Layer, type Origin, type Origins, pointerTo } from "./fill-defaults.ts";

export interface ConfigSources {
  /** YAML, of which JSON is a part. */
  readonly file?: { readonly path: string; readonly text: string } | undefined;
  /** Values by dotted name, such as "listen.port". They win. */
  readonly flags?: Readonly<Record<string, unknown>> | undefined;
}

export interface LoadedConfig {
  readonly config: ServeConfig;
  readonly origins: ReadonlyMap<string, Origin>;
}

export type KeyRow = Static<typeof keyRows>[number];

const compiled = Compile(configSchema);
const compiledKeyRows = Compile(keyRows);

/** @throws CONFIG_INVALID, whose details have `pointer` and `expected` */
export async function loadConfig(path: string | null, flags?: ConfigSources["flags"]): Promise<LoadedConfig> {
  if (path === null) return parseConfig({ flags });
  let text: string;
  try {
    text = (await readRegular(path)).toString("utf8");
  } catch (thrown) {
    const message = `The configuration ${path} cannot be read: ${reasonOf(thrown)}. Name a file that can be.`;
    throw serveErrors.error("CONFIG_INVALID", message, { cause: thrown });
  }
  return parseConfig({ file: { path, text }, flags });
}

/** @throws CONFIG_INVALID */
export function parseConfig({ file, flags = {} }: ConfigSources): LoadedConfig {
  const said = file === undefined ? {} : parseText(file.path, file.text);
  const flagged = new Set<string>();
  let document = said;
  for (const [dotted, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const keys = dotted.split(".");
    flagged.add(keys.reduce(pointerTo, ""));
    document = withValue(document, keys, value);
  }
  const fromFile: Layer = { origin: "file", file: file?.path ?? null };
  const fromFlag: Layer = { origin: "flag", file: null };
  const layerOf = (pointer: string): Layer => {
    for (const flag of flagged) if (pointer === flag || pointer.startsWith(`${flag}/`)) return fromFlag;
    return fromFile;
  };
  const origins: Origins = new Map();
  const config = fillDefaults(configSchema, document, origins, layerOf);
  if (compiled.Check(config)) return { config, origins };
  throw invalid(configSchema, compiled.Errors(config));
}

/** The rows of a file of API keys. @throws CONFIG_INVALID */
export function parseKeyRows(path: string, text: string): KeyRow[] {
  const layer: Layer = { origin: "file", file: path };
  const rows = fillDefaults(keyRows, parseText(path, text), new Map(), () => layer);
  if (compiledKeyRows.Check(rows)) return rows;
  throw invalid(keyRows, compiledKeyRows.Errors(rows));
}

/** The text of a YAML or JSON file as data. @throws CONFIG_INVALID */
export function parseText(path: string, text: string): unknown {
  const document = parseDocument(text);
  const [error] = document.errors;
  try {
    if (error) throw error;
    return document.toJS({ maxAliasCount: 0 }) ?? {};
  } catch (thrown) {
    throw serveErrors.error("CONFIG_INVALID", `${path} is neither YAML nor JSON: ${reasonOf(thrown)}`, {
      details: { pointer: "", expected: "YAML or JSON" },
      cause: thrown,
    });
  }
}

function withValue(document: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const before = isRecord(document) ? document : {};
  return { ...before, [key]: withValue(before[key], rest, value) };
}

/** @param misfits the deepest is the nearest to what is wrong */
function invalid(schema: TSchema, misfits: readonly { readonly instancePath: string }[]) {
  const pointers = misfits.map(({ instancePath }) => instancePath);
  const pointer = pointers.reduce((best, each) => (depth(each) > depth(best) ? each : best), "");
  const expected = expectedAt(schema, pointer.split("/").slice(1));
  const where = pointer === "" ? "The configuration" : pointer;
  return serveErrors.error("CONFIG_INVALID", `${where} must be ${expected}.`, {
    details: { pointer, expected },
  });
}

const depth = (pointer: string): number => pointer.split("/").length;

/** Completes "must be ...". */
export function expectedAt(schema: TSchema, [key, ...rest]: readonly string[]): string {
  if (Type.IsUnion(schema) && key !== undefined) {
    const inside = schema.anyOf.find((each) => Type.IsObject(each) || Type.IsArray(each));
    return inside ? expectedAt(inside, [key, ...rest]) : "a value of another kind";
  }
  if (Type.IsUnion(schema) && !("expects" in schema)) {
    const those = schema.anyOf.filter((each) => !Type.IsNull(each));
    const text = those.map((each) => expectedAt(each, [])).join(", or ");
    return those.length < schema.anyOf.length ? `${text}, or null` : text;
  }
  if (key === undefined) {
    if (Type.IsObject(schema)) return `an object with ${Object.keys(schema.properties).join(", ")}`;
    return isDescribed(schema) ? expectation(schema) : "a value of another kind";
  }
  if (Type.IsObject(schema)) {
    const its = Object.entries(schema.properties).find(([name]) => name === key)?.[1];
    return its ? expectedAt(its, rest) : "absent";
  }
  return Type.IsArray(schema) ? expectedAt(schema.items, rest) : "a value of another kind";
}

/** What TypeBox makes of these kinds is what base describes. */
function isDescribed(schema: TSchema): schema is TSchema & Schema {
  if ("expects" in schema || "enum" in schema) return true;
  return "type" in schema && /^(boolean|string|number|integer|array)$/.test(String(schema.type));
}

/** The settings of one model: its first row that fits, over those of all. */
export function settingsOf(config: ServeConfig, model: string) {
  const row = config.models.find(({ model: pattern }) => starPattern(pattern)(model));
  return {
    batching: { ...config.batching, ...row?.batching },
    cache: { ...config.cache, ...row?.cache },
    policy: policyOf(row?.versions ?? config.repository.versions),
  };
}

function policyOf(versions: ServeConfig["repository"]["versions"]): VersionPolicy {
  if (typeof versions === "number") return { kind: "latest", count: versions };
  return versions === "all" ? { kind: "all" } : { kind: "named", versions };
}
