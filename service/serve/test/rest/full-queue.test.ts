/** A request for a model whose queue is full is refused before any of its body is read. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { withAuthorisation } from "../../src/access/authorised-service.ts";
import { openPolicy } from "../../src/access/policy.ts";
import { serveErrors } from "../../src/errors.ts";
import { echo, infer, serve } from "./support.ts";

const full = serveErrors.error("QUEUE_LIMIT", "No more than 1 may wait.", {
  details: { retryAfterMs: 1500 },
});
const service = echo({
  noRoom: ({ model }) => (model === "full" ? full : null),
});

for (const action of ["infer", "predict"]) {
  test(`${action}: the answer is there before a byte of the body was sent`, async () => {
    await using served = await serve({ service });
    const sent = httpRequest({
      port: served.port,
      host: "127.0.0.1",
      method: "POST",
      path: `/v2/models/full/versions/1/${action}`,
      headers: { "content-length": "1000" },
    });
    sent.flushHeaders();
    const [response] = await once(sent, "response");
    assert.equal(response.statusCode, 429);
    assert.equal(response.headers["retry-after"], "2");
    sent.on("error", () => undefined).destroy();
  });
}

test("others are answered, and who may not infer learns nothing of the queue", async () => {
  await using open = await serve({ service });
  const body = JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype: "FP32", data: [1] }] });
  assert.equal((await infer(open.url, body)).status, 200);
  const policy = { ...openPolicy, allows: () => false };
  await using shut = await serve({ service: withAuthorisation(service, policy) });
  const refused = await fetch(`${shut.url}/v2/models/full/infer`, { method: "POST", body });
  assert.equal(refused.status, 401);
});
