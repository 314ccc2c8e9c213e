/** The delay-injecting proxy: what it adds is drawn, said, and nothing else is changed. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import test from "node:test";
import { openDelayProxy } from "../src/proxy/delay-proxy.ts";

test("the proxy delays by what its header says, and passes bodies, statuses and failures", async () => {
  const server = createServer((asked, answer) => {
    answer.writeHead(201, { "x-path": asked.url ?? "" });
    asked.pipe(answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const target = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  await using proxy = await openDelayProxy({ target, port: 0, seed: 1, minMs: 10, maxMs: 60 });
  const told: number[] = [];
  for (let i = 0; i < 8; i++) {
    const start = performance.now();
    const answer = await fetch(`${proxy.url}/a/b?c=${i}`, { method: "POST", body: `body ${i}` });
    assert.equal(await answer.text(), `body ${i}`);
    const took = performance.now() - start;
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get("x-path"), `/a/b?c=${i}`);
    const injected = Number(answer.headers.get("cupel-injected-delay-ms"));
    assert.ok(injected >= 10 && injected <= 60, `${injected}`);
    assert.ok(took >= injected - 1.5, `${took} and ${injected}`);
    told.push(injected);
  }
  assert.ok(new Set(told).size > 4);
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  const lost = await fetch(proxy.url);
  assert.equal(lost.status, 502);
});
