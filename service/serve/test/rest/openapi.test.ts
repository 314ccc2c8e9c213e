/** Answers against the schemas of the Open Inference Protocol's own document, and against ours. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { docsPage } from "../../src/rest/docs-page.ts";
import { openApiDocument } from "../../src/rest/openapi.ts";
import { routes } from "../../src/rest/routes/routes.ts";
import { infer, serve } from "./support.ts";

const suites = process.env.CUPEL_SUITES ?? join(import.meta.dirname, "../../../../../shared/suites");
const protocol = join(suites, "oip/open_inference_rest.yaml");
const metadata = { name: "cupel", version: "0.1.0", extensions: [] };

/** Holds a value to a schema of a document; null where it conforms. */
function checker(components: unknown) {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "urn:test:document", components });
  return (name: string, value: unknown): string | null => {
    const validate = ajv.compile({ $ref: `urn:test:document#/components/schemas/${name}` });
    return validate(value) ? null : `${name}: ${ajv.errorsText(validate.errors)}`;
  };
}

const tensor = { name: "x", shape: [2], datatype: "FP32", data: [1, 2] };
const good = JSON.stringify({ id: "a", inputs: [tensor] });

async function answers(url: string) {
  const get = async (path: string): Promise<unknown> => (await fetch(url + path)).json();
  const post = async (body: string): Promise<unknown> => JSON.parse((await infer(url, body)).text);
  return {
    server: await get("/v2"),
    model: await get("/v2/models/echo"),
    noModel: await get("/v2/models/none"),
    inference: await post(good),
    refused: await post("{"),
    config: await get("/v2/models/echo/config"),
    statistics: await get("/v2/models/stats"),
    openApi: await get("/openapi.json"),
  };
}

test("answers conform to the protocol's own OpenAPI document", {
  skip: existsSync(protocol) ? false : `no ${protocol}; CUPEL_SUITES names the folder of suites`,
}, async () => {
  await using served = await serve();
  const check = checker(parse(readFileSync(protocol, "utf8")).components);
  const { server, model, noModel, inference, refused } = await answers(served.url);
  assert.equal(check("inference_request", JSON.parse(good)), null);
  assert.equal(check("metadata_server_response", server), null);
  assert.equal(check("metadata_model_response", model), null);
  assert.equal(check("metadata_model_error_response", noModel), null);
  assert.equal(check("inference_response", inference), null);
  assert.equal(check("inference_error_response", refused), null);
});

test("answers conform to the document that the server gives", async () => {
  await using served = await serve();
  const found = await answers(served.url);
  const document: { components: unknown } = JSON.parse(JSON.stringify(found.openApi));
  const check = checker(document.components);
  const rows = [
    ["ServerMetadata", found.server],
    ["ModelMetadata", found.model],
    ["Problem", found.noModel],
    ["InferenceResponse", found.inference],
    ["Problem", found.refused],
    ["ModelConfig", found.config],
    ["ModelStatistics", found.statistics],
  ] as const;
  for (const [name, value] of rows) assert.equal(check(name, value), null);
});

test("the document has every route, names each operation once, and every reference leads somewhere", () => {
  const document = openApiDocument(routes, metadata);
  const text = JSON.stringify(document);
  const names = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  assert.equal(names.length, routes.length);
  assert.equal(new Set(names).size, names.length);
  const { schemas } = document.components;
  for (const [, name = ""] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(typeof schemas === "object" && schemas !== null && name in schemas, name);
  }
});

test("the page shows every operation and loads nothing", async () => {
  await using served = await serve();
  const response = await fetch(`${served.url}/docs`);
  const page = await response.text();
  assert.match(response.headers.get("content-type") ?? "", /^text\/html/);
  assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  assert.doesNotMatch(page, /<script|<link|<img|@import|url\(|src=/);
  for (const { operation } of routes) assert.ok(page.includes(`id="${operation.id}"`), operation.id);
  const hostile = docsPage(openApiDocument(routes, { ...metadata, name: "<script>" }));
  assert.doesNotMatch(hostile, /<script/);
});
