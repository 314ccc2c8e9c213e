/** Damage to JSON that is JSON again afterwards: members are removed, repeated, swapped or given values at the edges. Pure. */
import type { Random } from "@cupel/base";
import { type Mutate, mutateBytes } from "./mutate-bytes.ts";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const edgeValues: readonly Json[] = [
  ...[null, true, "", "__proto__", [], {}],
  ...[0, -1, 0.5, 1e-320, 1e308, 2 ** 31, 2 ** 53, 2 ** 64],
];
const edgeNames = ["__proto__", "constructor", "toString", "", "state/", "epoch"];

/** Nine of ten edits keep the JSON whole. */
export const mutateJson: Mutate = (bytes, random, others) => {
  const found = random.integer(10) > 0 ? parsed(Buffer.from(bytes).toString()) : undefined;
  if (found === undefined) return mutateBytes(bytes, random, others);
  let made = found;
  for (let left = 1 + random.integer(3); left > 0; left--) made = editedJson(made, random);
  return new Uint8Array(Buffer.from(JSON.stringify(made)));
};

/** Goes down with three chances of four, where there is something to go down into. */
export function editedJson(value: Json, random: Random): Json {
  const isList = Array.isArray(value);
  const members: [string, Json][] = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const at = random.integer(members.length);
  const member = members[at];
  if (member === undefined) return edgeValues[random.integer(edgeValues.length)]!;
  const [name, inside] = member;
  const isDeeper = typeof inside === "object" && inside !== null;
  if (isDeeper && random.integer(4) > 0) members[at] = [name, editedJson(inside, random)];
  else {
    const other = members[random.integer(members.length)]!;
    const ways: readonly (() => void)[] = [
      () => members.splice(at, 1),
      () => members.push(isList ? [String(members.length), inside] : [`${name} `, inside]),
      () => members.splice(at, 1, [name, other[1]]),
      () => members.splice(at, 1, [edgeNames[random.integer(edgeNames.length)]!, inside]),
      () => members.splice(at, 1, [name, edgeValues[random.integer(edgeValues.length)]!]),
      () => members.splice(at, 1, [name, typeof inside === "number" ? inside + 1 : textOf(inside)]),
      () => members.splice(at, 1, [name, typeof inside === "string" ? editedText(inside, random) : inside]),
    ];
    ways[random.integer(ways.length)]!();
  }
  return isList ? members.map(([, each]) => each) : Object.fromEntries(members);
}

/** What stands in names, paths and encoded bytes where something is wrong with them. */
const edgeTexts = ["/", "..", "../", "\\", "\0", "\u202e", "\ud800", "é", "e\u0301", "ß", "=", "-", "+"];

export function editedText(text: string, random: Random): string {
  const at = random.integer(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.integer(8));
  const [before, run, after] = [text.slice(0, at), text.slice(at, end), text.slice(end)];
  const ways: readonly (() => string)[] = [
    () => before + after,
    () => before + run + edgeTexts[random.integer(edgeTexts.length)]! + after,
    () => before + run.toUpperCase() + after,
    () => before + run.toLowerCase() + after,
    () => before + run.normalize("NFD") + after,
    // Longer than any form allows, and often deep: what is quadratic hangs.
    () => before + run.repeat(2 ** random.integer(14)) + after,
  ];
  return ways[random.integer(ways.length)]!();
}

/** An object may have a member "toString": it is no text of itself. */
export function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

/** Undefined for what is no JSON. */
export function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function asObject(
  value: Json | undefined,
  otherwise: { [name: string]: Json },
): {
  [name: string]: Json;
} {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : otherwise;
}
