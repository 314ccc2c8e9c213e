/** Manifests as data: several documents in a file, anchors, merge keys; aliases that multiply are refused. */
import { own } from "@cupel/base";
import { LineCounter, parseAllDocuments } from "yaml";
import { invalidSource } from "../statement.ts";

export type Mapping = Readonly<Record<string, unknown>>;

/** Documents that are mappings; empty ones are passed over. @throws ENV_SOURCE_INVALID */
export function yamlMappings(text: string, where: string): Mapping[] {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter, merge: true, logLevel: "silent" });
  return [...documents].flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      const { line } = lineCounter.linePos(error.pos[0]);
      const hint = text.includes("{{") ? '; a template must be filled in first, as by "helm template"' : "";
      throw invalidSource(
        where,
        line,
        `this is no YAML: ${error.message.split("\n")[0]?.replace(/ at line \d+.*$/, "")}${hint}`,
        error,
      );
    }
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: 100 });
    } catch (thrown) {
      throw invalidSource(where, null, "its aliases stand for more than is read", thrown);
    }
    if (value === null || value === undefined) return [];
    if (isMapping(value)) return [value];
    throw invalidSource(where, null, "a document of it is no mapping");
  });
}

export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An empty one where there is none. */
export function mappingAt(value: unknown, ...path: readonly string[]): Mapping {
  const found = valueAt(value, ...path);
  return isMapping(found) ? found : {};
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = valueAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function textAt(value: unknown, ...path: readonly string[]): string | null {
  const found = valueAt(value, ...path);
  return typeof found === "string" ? found : null;
}

export function valueAt(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (isMapping(at) ? own(at, name) : undefined), value);
}
