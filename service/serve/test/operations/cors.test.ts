/** Which pages may read answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decideCors } from "../../src/operations/cors.ts";
import { withCors } from "../../src/operations/cors-faces.ts";

const origin = "https://app.example";
const preflight = { origin, "access-control-request-method": "POST" };
const decide = (origins: readonly string[], method: string, headers: Readonly<Record<string, string>>) =>
  decideCors({ origins, maxAgeSeconds: 600 }, { method, header: (name) => headers[name] });

test("a page of an allowed origin may read the answer and the headers it needs; another may not", () => {
  const { headers, isPreflight } = decide([origin], "POST", { origin });
  assert.equal(isPreflight, false);
  assert.equal(headers["access-control-allow-origin"], origin);
  assert.equal(headers.vary, "origin");
  assert.match(headers["access-control-expose-headers"] ?? "", /retry-after/);
  for (const other of ["https://app.example.net", "http://app.example", "null", "HTTPS://APP.EXAMPLE"]) {
    assert.deepEqual(decide([origin], "POST", { origin: other }).headers, { vary: "origin" }, other);
  }
});

test("a preflight is told methods, headers and for how long; of an origin that is not allowed nothing", () => {
  const { headers, isPreflight } = decide([origin], "OPTIONS", preflight);
  assert.equal(isPreflight, true);
  assert.match(headers["access-control-allow-methods"] ?? "", /POST/);
  assert.match(headers["access-control-allow-headers"] ?? "", /x-api-key/);
  assert.equal(headers["access-control-max-age"], "600");
  assert.deepEqual(decide(["https://else.example"], "OPTIONS", preflight), {
    isPreflight: true,
    headers: { vary: "origin" },
  });
});

test("a star is for all and needs no Vary, cookies are never allowed, and without origins nothing is said", () => {
  const { headers } = decide(["*"], "GET", { origin });
  assert.equal(headers["access-control-allow-origin"], "*");
  assert.equal(headers.vary, undefined);
  assert.equal(headers["access-control-allow-credentials"], undefined);
  assert.deepEqual(decide([], "GET", { origin }).headers, {});
  assert.equal(decide([origin], "OPTIONS", { origin }).isPreflight, false);
});

test("a face is told that the server stops, whoever may call it", () => {
  let stops = 0;
  const face = {
    takes: () => true,
    handle() {},
    stop: () => void stops++,
    async [Symbol.asyncDispose]() {},
  };
  const faces = withCors([face], { origins: ["https://app.example"], maxAgeSeconds: 60 });
  for (const each of faces) each.stop?.();
  assert.equal(stops, 1);
});
