/**
 * schemathesis from PyPI makes requests from the server's OpenAPI document, good and bad, and holds the answers to it: no
 * 5xx and no violation. `node tools/conformance/schemathesis.ts [CASES]`, by default 500 in all; CUPEL_PYTHON names a
 * Python with schemathesis.
 */
import { writeFile } from "node:fs/promises";
import { openTemporaryFolder } from "@cupel/base";
import { hasPackage, python, run, skip } from "./run-tool.ts";
import { startServer } from "./start-server.ts";

/** What each check looks at is told by `schemathesis run --help`. */
const checks = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "negative_data_rejection",
  "missing_required_header",
  "unsupported_method",
  "allow_header_conformance",
];

/**
 * With names of models that are there, and with names that schemathesis makes up. What is unloaded is asked for nothing
 * else: it would be answered 503, as the document says, which counts as an error of a server. So would a deadline of 1 ms.
 */
const configurations = {
  known: `
headers = { "Cupel-Timeout-Ms" = "60000" }
parameters = { "path.model" = "scaler", "path.version" = "1" }

[[operations]]
include-operation-id = "unloadModel"
parameters = { "path.model" = "bool" }
`,
  "made up": `
headers = { "Cupel-Timeout-Ms" = "60000" }
`,
};

if (!hasPackage("schemathesis")) skip("schemathesis", `${python} has no schemathesis`);
const cases = Number(process.argv[2] ?? 500);
await using server = await startServer();
await using folder = await openTemporaryFolder("schemathesis");
const document: { readonly paths: Readonly<Record<string, object>> } = JSON.parse(
  await (await fetch(`${server.url}/openapi.json`)).text(),
);
const operations = Object.values(document.paths).flatMap((path) => Object.keys(path)).length;
process.chdir(folder.path);
for (const [names, configuration] of Object.entries(configurations)) {
  console.log(`Names of models: ${names}`);
  await writeFile("schemathesis.toml", configuration);
  const status = run(python, [
    ...["-m", "schemathesis.cli", "run", `${server.url}/openapi.json`],
    ...["--checks", checks.join(",")],
    ...["--max-examples", String(Math.max(1, Math.ceil(cases / operations / 2)))],
    ...["--phases", "examples,coverage,fuzzing"],
    ...["--seed", "15", "--continue-on-failure", "--no-color"],
  ]);
  if (status !== 0) process.exitCode = status;
}
