/** The package as others take it: what a browser loads, and types that belong to the document they are made from. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { buildSchema, parse, validate } from "graphql";
import { rolldown } from "rolldown";
import { documents } from "../src/graphql/documents.ts";
import { documentPath, headerOf, typesPath } from "../tools/rest-types.ts";

test("the types of REST are those of docs/openapi.json: else run npm run generate", () => {
  const [header] = readFileSync(typesPath, "utf8").split("\n", 1);
  assert.equal(header, headerOf(readFileSync(documentPath, "utf8")));
});

test("what is sent over GraphQL is of the schema in docs/graphql.md", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/graphql.md"), "utf8");
  const schema = buildSchema(/^```graphql\n(.*?)^```$/ms.exec(page)?.[1] ?? "");
  for (const [name, text] of Object.entries(documents))
    assert.deepEqual(validate(schema, parse(text)), [], name);
});

/** Modules of Node's that a bundle of a page with this import reaches. */
async function builtinsIn(platform: "browser" | "node"): Promise<{ builtins: string[]; size: number }> {
  const builtins = new Set<string>();
  await using bundle = await rolldown({
    input: "page",
    platform,
    logLevel: "silent",
    plugins: [
      {
        name: "page",
        resolveId(id) {
          if (id === "page") return id;
          if (!isBuiltin(id)) return null;
          builtins.add(id);
          return { id, external: true };
        },
        load: (id) => (id === "page" ? 'export { createClient } from "@cupel/client";' : null),
      },
    ],
    cwd: join(import.meta.dirname, ".."),
  });
  const { output } = await bundle.generate({ minify: true });
  const size = output.reduce((sum, each) => sum + (each.type === "chunk" ? each.code.length : 0), 0);
  return { builtins: [...builtins], size };
}

test("a browser's bundle reaches no module of Node's, and Node's does", async (t) => {
  const { builtins, size } = await builtinsIn("browser");
  assert.deepEqual(builtins, []);
  t.diagnostic(`the client for a browser: ${Math.round(size / 1000)} kB, minified`);
  // 70 kB are connect's and protobuf's own.
  assert.ok(size < 250_000, `${size} bytes`);
  assert.ok((await builtinsIn("node")).builtins.includes("node:http2"), "the check sees what is there");
});
