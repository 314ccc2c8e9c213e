/**
 * Damage to two manifests, of what a folder should be and of what it is: `{ "expected": [...], "found": [...] }`. Most
 * are in the order of their paths afterwards, as the first that stands elsewhere is where the reading ends. Pure.
 */
import type { Random } from "@cupel/base";
import { type Mutate, mutateBytes } from "./mutate-bytes.ts";
import { asObject, editedJson, editedText, type Json, parsed, textOf } from "./mutate-json.ts";

/** Nine of ten edits keep the JSON whole. */
export const mutateManifest: Mutate = (bytes, random, others) => {
  const whole = parsed(Buffer.from(bytes).toString());
  if (whole === undefined || random.integer(10) === 0) return mutateBytes(bytes, random, others);
  const pair = asObject(whole, {});
  let expected = listOf(pair.expected);
  // Two that have nothing in common say little of how they are compared.
  let found = random.integer(4) === 0 ? expected : listOf(pair.found);
  for (let left = 1 + random.integer(4); left > 0; left--) {
    const edit = edits[random.integer(edits.length)]!;
    if (random.integer(2) === 0) expected = edit(expected, random);
    else found = edit(found, random);
  }
  if (random.integer(4) > 0) [expected, found] = [inOrder(expected), inOrder(found)];
  return new Uint8Array(Buffer.from(JSON.stringify({ expected, found })));
};

type Edit = (entries: readonly Json[], random: Random) => Json[];

const withText = (name: string, edit: (text: string, random: Random) => string): Edit => {
  return (entries, random) =>
    withOne(entries, random, (entry) => ({ ...entry, [name]: edit(textOf(entry[name]), random) }));
};

const edits: readonly Edit[] = [
  (entries, random) => listOf(editedJson([...entries], random)),
  (entries, random) => entries.toSpliced(random.integer(entries.length), 1),
  withText("path", editedText),
  withText("path", (path, random) => `${editedText(path, random)}/${path}`),
  withText("target", editedText),
  withText("sha256", (digest) => digest.split("").reverse().join("")),
  (entries, random) => {
    const other = entries[random.integer(entries.length)] ?? null;
    return withOne(entries, random, (entry) => ({ ...asObject(other, {}), path: entry.path ?? null }));
  },
  (entries, random) => {
    const other = asObject(entries[random.integer(entries.length)], {});
    const way = `${"../".repeat(random.integer(3))}${textOf(other.path)}`;
    return withOne(entries, random, ({ path = "" }) => ({ kind: "link", path, target: way }));
  },
  (entries, random) => [...entries, { kind: "folder", path: `${random.integer(100)}` }],
];

function withOne(
  entries: readonly Json[],
  random: Random,
  edit: (entry: { [name: string]: Json }) => Json,
): Json[] {
  if (entries.length === 0) return [];
  const at = random.integer(entries.length);
  return entries.with(at, edit(asObject(entries[at], {})));
}

function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function inOrder(entries: readonly Json[]): Json[] {
  const key = (entry: Json) => Buffer.from(textOf(asObject(entry, {}).path));
  return entries.toSorted((one, other) => Buffer.compare(key(one), key(other)));
}
