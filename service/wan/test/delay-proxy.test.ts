/** What only adds delay, the proxy of HTTP and the pass-through of TCP: what is added is drawn, and nothing else is changed. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import { connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import test from "node:test";
import { CupelError, createRandom } from "@cupel/base";
import { openDelayOnly } from "../src/link/delay-only.ts";
import type { DirectionSpec } from "../src/link/direction.ts";
import { openTcpDelay } from "../src/link/tcp-delay.ts";
import { judgeDelay } from "../src/link/verify-delay.ts";
import { openDelayProxy } from "../src/proxy/delay-proxy.ts";
import { listening } from "./support/listening.ts";

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
  assert.equal(proxy.requests, 8);
  assert.ok(proxy.connections >= 1 && proxy.connections <= 8);
  // A path that is read as the address of another server, and a whole one: as asked for, of the target.
  for (const path of ["//127.0.0.2/x", "http://127.0.0.2/x"]) {
    const { port } = new URL(proxy.url);
    const [answer]: IncomingMessage[] = await once(get({ host: "127.0.0.1", port, path }), "response");
    answer?.resume();
    assert.equal(answer?.headers["x-path"], path);
  }
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  const lost = await fetch(proxy.url);
  assert.equal(lost.status, 502);
  assert.ok(Number(lost.headers.get("cupel-injected-delay-ms")) >= 10);
  const port = Number(new URL(proxy.url).port);
  await assert.rejects(openDelayProxy({ target, port, seed: 1 }), { code: "PROXY_FAILED" });
  await assert.rejects(openDelayProxy({ target, port: 0, seed: 1, minMs: 20, maxMs: 10 }), {
    code: "SCENARIO_INVALID",
  });
});

/** With what is not to be done to bytes here: half of them lost, one in a second, and out of order. */
const way = (delayMs: number, jitterMs: number): DirectionSpec => ({
  delay: { delayMs, law: "uniform", jitterMs },
  loss: { kind: "independent", share: 0.5 },
  rate: 8,
  queueBytes: 1500,
  reorders: true,
});
const spec = { toFar: way(12, 8), toNear: way(9, 5) };
const leastMs = { toFar: 4, toNear: 4 };

async function tcpServer(serve: (socket: Socket) => void): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server: Server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  const { port, ...open } = await listening(server);
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await open[Symbol.asyncDispose]();
    },
  };
}

test("the pass-through loses and changes nothing, in order both ways, and is later than the least of its law", async () => {
  await using server = await tcpServer((socket) => socket.pipe(socket));
  await using delay = await openTcpDelay({ spec, host: "127.0.0.1", port: server.port, seed: 1 });
  const random = createRandom(7);
  const took = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const socket = connect({ port: delay.port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
      const sent = Buffer.from(Uint8Array.from({ length: 200_000 }, () => random.integer(256)));
      const start = performance.now();
      const first = once(socket, "readable").then(() => performance.now() - start);
      for (let at = 0; at < sent.length; ) {
        const next = at + 1 + random.integer(20_000);
        socket.write(sent.subarray(at, next));
        at = next;
      }
      socket.end();
      assert.ok((await buffer(socket)).equals(sent));
      return await first;
    }),
  );
  assert.equal(delay.connections, 20);
  // A handshake, and there and back.
  const least = 2 * (leastMs.toFar + leastMs.toNear);
  for (const ms of took) assert.ok(ms >= least - 2, `${ms} ms`);
});

test("what ends one side of the pass-through ends the other: an end after its bytes, a reset, and no server", async () => {
  const { promise: wasReset, resolve: reset } = Promise.withResolvers<void>();
  await using server = await tcpServer((socket) => {
    socket.once("data", (asked: Buffer) => {
      if (asked.toString() === "reset") socket.resetAndDestroy();
      else if (asked.toString() === "end") socket.end("told");
      else socket.once("error", () => reset());
    });
  });
  await using delay = await openTcpDelay({ spec, host: "127.0.0.1", port: server.port, seed: 1 });
  const open = () => connect({ port: delay.port, host: "127.0.0.1" });
  const ended = open();
  ended.write("end");
  assert.equal((await buffer(ended)).toString(), "told");
  const broken = open();
  broken.write("reset");
  await assert.rejects(once(broken, "end"), /ECONNRESET/);
  const breaking = open();
  breaking.write("hear");
  await once(breaking, "connect");
  breaking.resetAndDestroy();
  await wasReset;
  await server[Symbol.asyncDispose]();
  await assert.rejects(once(open(), "end"), /ECONNRESET/);
});

test("a link of delay alone is measured before it is believed, and gives the URL to ask", async () => {
  await using server = await tcpServer((socket) => socket.pipe(socket));
  await using link = openDelayOnly(spec, { seed: 1 });
  const reached = new URL(await link.reach(`https://127.0.0.1:${server.port}/path`));
  assert.equal(reached.protocol + reached.hostname + reached.pathname, "https:127.0.0.1/path");
  const socket = connect({ port: Number(reached.port), host: reached.hostname });
  socket.write("x");
  await once(socket, "data");
  socket.destroy();
  assert.equal(await link.counters(), null);
  // Whether it holds is the machine's affair; that it was measured is not.
  const measured = await link.verify().catch((thrown: unknown) => {
    assert.ok(thrown instanceof CupelError && thrown.code === "LINK_OFF", String(thrown));
    return thrown.details.verification;
  });
  assert.equal(Reflect.get(Object(measured), "probes"), 400);
});

test("a delay that is off is told: its median, and its spread", () => {
  // Round trips of the law: 21 ms, and from 8 to 34; the standard deviation by sqrt((8² + 5²) / 3).
  const random = createRandom(3);
  const drawn = Array.from(
    { length: 2_000 },
    () => 21 + 8 * (2 * random.uniform() - 1) + 5 * (2 * random.uniform() - 1),
  );
  assert.deepEqual(judgeDelay(drawn, spec).off, []);
  const late = judgeDelay(
    drawn.map((ms) => ms + 6),
    spec,
  );
  assert.match(late.off.join(), /round trip is 2[67]\.\d+ ms and not 21\.00/);
  const narrow = judgeDelay(
    drawn.map((ms) => 21 + (ms - 21) / 4),
    spec,
  );
  assert.match(narrow.off.join(), /jitter is 1\.\d+ ms and not 5\.45/);
  assert.equal(judgeDelay([], spec).off.length, 2);
});
