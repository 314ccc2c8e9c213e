/** What is negotiated by Accept says so to caches, beside what else its answer depends on. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { test } from "node:test";
import { infer, serve } from "./support.ts";

const body = JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype: "FP32", data: [1] }] });

test("answers and errors of what has several forms vary by Accept, whichever form they take", async () => {
  await using served = await serve();
  for (const accept of ["application/json", "application/cbor", "*/*"]) {
    const { status, headers } = await infer(served.url, body, { accept });
    assert.equal(status, 200);
    assert.equal(headers.get("vary"), "accept", accept);
  }
  const half = {
    inputs: [{ name: "x", shape: [1], datatype: "FP16", parameters: { binary_data_size: 2 } }],
  };
  const json = Buffer.from(JSON.stringify(half));
  const refused = await infer(served.url, Buffer.concat([json, Buffer.from([0, 0x3c])]), {
    "inference-header-content-length": String(json.length),
  });
  assert.equal(refused.status, 406, refused.text);
  assert.equal(refused.headers.get("vary"), "accept");
  const predicted = await fetch(`${served.url}/v2/models/echo/predict`, {
    method: "POST",
    body: Buffer.from("{"),
  });
  assert.equal(predicted.status, 400);
  assert.equal(predicted.headers.get("vary"), "accept");
});

test("what has one form does not vary", async () => {
  await using served = await serve();
  for (const path of ["/v2", "/v2/models/echo", "/v2/health/live", "/docs"]) {
    const answer = await fetch(`${served.url}${path}`, { headers: { accept: "application/cbor" } });
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers.get("vary"), null, path);
  }
});

test("pages of one origin vary by both, on HTTP/1.1 and HTTP/2", async () => {
  const origin = "https://app.example";
  await using served = await serve({ cors: { origins: [origin], maxAgeSeconds: 60 } });
  const { headers } = await infer(served.url, body, { origin });
  assert.equal(headers.get("vary"), "origin, accept");
  const session = connect(`http://127.0.0.1:${served.port2}`);
  using _session = { [Symbol.dispose]: () => session.destroy() };
  const stream = session.request({ ":method": "POST", ":path": "/v2/models/echo/infer", origin });
  stream.end(body);
  const [answer] = await once(stream, "response");
  assert.equal(answer[":status"], 200);
  assert.equal(String(answer.vary), "origin, accept");
});
