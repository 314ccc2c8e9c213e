/** A path that no face takes is refused in the form in which the REST face refuses one below its roots. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request as request1 } from "node:http";
import { buffer, text } from "node:stream/consumers";
import { test } from "node:test";
import { listen } from "../../src/listener/listen.ts";
import { silentInstruments } from "../../src/operations/instruments.ts";
import { createRestFace } from "../../src/rest/face.ts";
import { echo } from "../rest/support.ts";
import { openHttp2 } from "../support/http-client.ts";
import { openAdmission } from "../support/open-admission.ts";

async function open() {
  const face = createRestFace({
    service: echo(),
    admission: openAdmission,
    instruments: silentInstruments,
    bodyLimit: 2 ** 20,
  });
  return await listen({ faces: [face], port: 0, onError: (error) => assert.fail(String(error)) });
}

test("problem details with the protocol's member error, for every method and either version of HTTP", async () => {
  await using listener = await open();
  const session = await openHttp2(listener.url);
  const told = async (method: string, path: string) => {
    const answer = await fetch(`${listener.url}${path}`, { method, redirect: "manual" });
    return {
      status: answer.status,
      type: answer.headers.get("content-type"),
      body: JSON.parse(await answer.text()),
    };
  };
  for (const [method, path] of [
    ["GET", "/foo"],
    ["GET", "/console"],
    ["POST", "/v1/models"],
    ["DELETE", "/v2models?key=secret"],
    ["GET", "/V2/models"],
  ] as const) {
    const [pathname] = path.split("?");
    const outside = await told(method, path);
    assert.deepEqual(outside, {
      status: 404,
      type: "application/problem+json",
      body: {
        type: "urn:cupel:error:ROUTE_UNKNOWN",
        title: "The server has no such path or method.",
        status: 404,
        detail: `There is no path "${pathname}". GET /openapi.json lists them.`,
        instance: pathname,
        code: "ROUTE_UNKNOWN",
        retryable: false,
        error: `There is no path "${pathname}". GET /openapi.json lists them.`,
        path: pathname,
      },
    });
    const inside = await told(method, `/v2${pathname}`);
    assert.deepEqual(Object.keys(inside.body), Object.keys(outside.body));
    const stream = session.request({ ":method": method, ":path": path });
    stream.end();
    const [headers] = await once(stream, "response");
    assert.equal(headers["content-type"], outside.type);
    assert.deepEqual(JSON.parse(await text(stream)), outside.body);
  }
  const head = await fetch(`${listener.url}/foo`, { method: "HEAD" });
  assert.deepEqual([head.status, (await head.arrayBuffer()).byteLength], [404, 0]);
  session.close();
});

test("who sends a large body to no path reads the answer, not a broken connection", async () => {
  await using listener = await open();
  const body = Buffer.alloc(3 * 2 ** 20);
  const sent = request1(`${listener.url}/v1/models`, { method: "POST", agent: false });
  sent.end(body);
  const [answer] = await once(sent, "response");
  assert.equal(answer.statusCode, 404);
  assert.equal(answer.headers.connection, "close");
  assert.equal(JSON.parse((await buffer(answer)).toString()).code, "ROUTE_UNKNOWN");
});
