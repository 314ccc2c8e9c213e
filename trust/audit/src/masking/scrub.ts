/**
 * What was refused goes to quarantine, and need be no event: any value, or a text that is not even JSON. Tagged members and what
 * the detectors find are masked there, without keys, and nothing opens them again.
 */
import { setOwn } from "@cupel/base";
import { findSensitive } from "./detect/find-sensitive.ts";
import type { MaskingPolicy } from "./policy.ts";
import { maskText } from "./shorten.ts";

export interface Scrubber {
  /** A text of any kind; where it is the text of an event that cannot be parsed, values after the names of tagged members go too. */
  text(text: string): string;
  /** A copy of anything that JSON can say, names of members and numbers included. */
  value(value: unknown): unknown;
}

/** The dimensions, as they are called here and before an event is stamped. */
const dimensionOf: ReadonlyMap<string, string> = new Map([
  ["sub", "sub"],
  ["subject", "sub"],
  ["obj", "obj"],
  ["object", "obj"],
  ["ctx", "ctx"],
  ["context", "ctx"],
]);

export function createScrubber({ tags, detect }: Pick<MaskingPolicy, "tags" | "detect">): Scrubber {
  const tagged = new Map([...tags].filter(([, tag]) => tag !== "keep"));
  const names = [...new Set([...tagged.keys()].map((member) => member.slice(member.indexOf(".") + 1)))];
  const quoted = new RegExp(
    String.raw`("(?:${names.map(literal).join("|")})"\s*:\s*")((?:[^"\\]|\\.)+)`,
    "g",
  );

  const search = (text: string): string => {
    let result = "";
    let from = 0;
    for (const { kind, start, end, canonical } of findSensitive(text, detect) ?? []) {
      result += text.slice(from, start) + maskText(canonical, kind);
      from = end;
    }
    return result + text.slice(from);
  };

  /** @param tag of what holds the value; all that is in it has that tag */
  const walk = (value: unknown, path: string, tag: string | undefined): unknown => {
    if (typeof value === "string") return tag === undefined ? search(value) : maskText(value, tag);
    if (typeof value === "number" || typeof value === "bigint") {
      const text = String(value);
      const masked = tag === undefined ? search(text) : maskText(text, tag);
      return masked === text ? value : masked;
    }
    if (Array.isArray(value)) return value.map((each) => walk(each, path, tag));
    if (typeof value !== "object" || value === null) return value;
    const copy: Record<string, unknown> = {};
    for (const [name, each] of Object.entries(value)) {
      const inside = path === "" ? (dimensionOf.get(name) ?? name) : `${path}.${name}`;
      setOwn(copy, search(name), walk(each, inside, tag ?? tagged.get(inside)));
    }
    return copy;
  };

  return {
    text: (text) =>
      search(names.length === 0 ? text : text.replace(quoted, (_, before: string) => `${before}***`)),
    value: (value) => walk(value, "", undefined),
  };
}

const literal = (name: string): string => name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
