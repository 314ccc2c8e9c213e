/** No table is looked up by text in a way that finds what every object has: `constructor`, `__proto__`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readRepository } from "../guard/read-repository.ts";
import { tableLookups } from "../guard/table-lookups.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Tests, what is generated, and the one file that the others are to use. */
const notSource = /(?:^|\/)(?:test|gen)\/|\.d\.ts$|^base\/src\/own\.ts$/;

const found = (...texts: readonly string[]) =>
  tableLookups(new Map(texts.map((text, i) => [`${i}.ts`, text]))).map(({ path, line }) => `${path}:${line}`);

test("a look-up by text is found, in whatever form", () => {
  const table = "const rows: Readonly<Record<string, Row>> = {};";
  assert.deepEqual(found(`${table}\nrows[node.opType]`), ["0.ts:2"]);
  assert.deepEqual(found(`${table}\nrows[node.opType]?.(x)`), ["0.ts:2"]);
  assert.deepEqual(found(`${table}\nObject.hasOwn(rows, n) ? rows[n] : null`), ["0.ts:2"]);
  assert.deepEqual(found(`${table}\n/* a\n comment */ if (name in rows) return`), ["0.ts:3"]);
  assert.deepEqual(found("function f(\n  feeds: Record<string, Tensor>,\n) {\n  feeds[input.name]!;\n}"), [
    "0.ts:4",
  ]);
  assert.deepEqual(found("type Feeds = Record<string, Tensor>;\nlet a: Feeds;\na[b] = c"), ["0.ts:3"]);
  assert.deepEqual(found("const a = Object.fromEntries(b);\na[c]"), ["0.ts:2"]);
  assert.deepEqual(
    found("interface Run {\n outputs: Record<string, T> }", "const { outputs } = run;\noutputs[name]"),
    ["1.ts:2"],
  );
});

test("a list, a text that is written there, a Map, and the ways that are right are let pass", () => {
  const table = "const rows: Readonly<Record<string, Row>> = {};";
  assert.deepEqual(found(`${table}\nown(rows, node.opType); Object.hasOwn(rows, n); rows["a"]; rows.a`), []);
  assert.deepEqual(found("const list: string[] = [];\nlist[index]; list[0]", `${table}`), []);
  assert.deepEqual(found("const rows = new Map<string, Row>();\nrows.get(name)"), []);
  assert.deepEqual(found("type A = { readonly [Key in keyof T]: T };\nfor (const a in b) c();"), []);
  assert.deepEqual(found(`// name in rows\nconst text = "one in rows";`), []);
});

test("no table of the repository is looked up so", () => {
  const { sources } = readRepository(root);
  const published = [...sources].filter(([path]) => !notSource.test(path));
  const wrong = tableLookups(new Map(published)).map(({ path, line, text }) => `${path}:${line}  ${text}`);
  assert.equal(wrong.join("\n"), "", "use own, setOwn and Object.hasOwn, or a Map");
});
