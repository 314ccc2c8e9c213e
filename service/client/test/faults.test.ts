/** What breaks between a client and a server: sockets, names, certificates, halves of answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@cupel/client";
import { createClientOn } from "../src/client.ts";
import { nodePlatform } from "../src/node/platform.ts";
import { retryAfterOf } from "../src/rest/problem.ts";
import { all, answer, answered, failed, hasty, once, request } from "./support/faulty-calls.ts";
import { closedPort, grpcServer, httpServer, tcpServer } from "./support/faulty-server.ts";

test("a connection that is reset is told so, and the call is tried on another one", async () => {
  let requests = 0;
  await using server = await httpServer((asked, response) => {
    if (++requests <= 2) asked.socket.resetAndDestroy();
    else response.end(answer);
  });
  using single = once({ endpoints: server.url });
  const error = await failed(single.infer(request));
  assert.equal(error.code, "CONNECTION_LOST");
  assert.equal(error.mayHaveRun, true);
  using client = createClientOn(nodePlatform, { endpoints: server.url, face: "rest-json" }, hasty());
  assert.deepEqual(await client.infer(request), answered);
  assert.equal(requests, 3);
});

test("load is not sent again after a reset, but is when the caller says that it may", async () => {
  let requests = 0;
  await using server = await httpServer((asked, response) => {
    if (++requests === 1) asked.socket.resetAndDestroy();
    else response.end();
  });
  using client = createClientOn(nodePlatform, { endpoints: server.url }, hasty());
  assert.equal((await failed(client.load("m"))).code, "CONNECTION_LOST");
  assert.equal(requests, 1);
  requests = 0;
  await client.load("m", { isIdempotent: true });
  assert.equal(requests, 2);
});

test("a connection that the server closed while it was idle costs a retry and no error", async () => {
  await using server = await httpServer((asked, response) => {
    response.end(answer, () => asked.socket.destroy());
  });
  using client = createClientOn(nodePlatform, { endpoints: server.url, face: "rest-json" }, hasty());
  for (let i = 0; i < 5; i++) assert.deepEqual(await client.infer(request), answered);
});

test("an answer that is cut is no answer, with its length or without", async () => {
  for (const headers of [{ "content-length": "100" }, {}]) {
    await using server = await httpServer((asked, response) => {
      response.writeHead(200, headers);
      response.write(answer.slice(0, 10), () => asked.socket.destroy());
    });
    using client = once({ endpoints: server.url });
    assert.equal((await failed(client.infer(request))).code, "CONNECTION_LOST");
  }
});

// As https://github.com/nodejs/undici/issues/3356 has it, where the two were joined.
test("an answer that was cut and comes again is the second one alone", async () => {
  let requests = 0;
  await using server = await httpServer((asked, response) => {
    if (++requests > 1) return response.end(answer);
    return response.write(answer.slice(0, 10), () => asked.socket.destroy());
  });
  using client = createClientOn(nodePlatform, { endpoints: server.url, face: "rest-json" }, hasty());
  assert.deepEqual(await client.infer(request), answered);
  assert.equal(requests, 2);
});

test("503 with Retry-After is tried again after that time", async () => {
  let requests = 0;
  await using server = await httpServer((_, response) => {
    if (++requests > 1) return response.end(answer);
    return response.writeHead(503, { "retry-after": "7" }).end("<h1>Service unavailable</h1>");
  });
  const timing = hasty();
  using client = createClientOn(nodePlatform, { endpoints: server.url, face: "rest-json" }, timing);
  assert.deepEqual(await client.infer(request), answered);
  assert.ok(timing.waits[0]! >= 7_000 && timing.waits[0]! < 7_100);
  requests = 0;
  using single = once({ endpoints: server.url });
  const { code, status, retryAfterMs } = await failed(single.infer(request));
  assert.deepEqual({ code, status, retryAfterMs }, { code: "HTTP_503", status: 503, retryAfterMs: 7_000 });
});

test("Retry-After is seconds or a date, and nothing else", () => {
  const now = Date.parse("2026-11-27T10:00:00Z");
  assert.equal(retryAfterOf("120", now), 120_000);
  assert.equal(retryAfterOf("Fri, 27 Nov 2026 10:00:30 GMT", now), 30_000);
  assert.equal(retryAfterOf("Fri, 27 Nov 2026 09:00:00 GMT", now), 0);
  for (const text of [null, "", "-1", "1.5", "soon", "0x10"])
    assert.equal(retryAfterOf(text, now), null, String(text));
});

test("a server that takes the request and never answers is left at the deadline, and a hedge goes round it", async () => {
  let requests = 0;
  await using server = await httpServer((_, response) => {
    if (requests++ > 0) response.end(answer);
  });
  using client = once({ endpoints: server.url, hedge: { delayMs: 20 } });
  assert.deepEqual(await client.infer(request), answered);
  assert.equal(requests, 2);
  // Half open: the other side is gone and says nothing.
  await using silent = await tcpServer(() => {});
  for (const face of ["rest-binary", "grpc", "connect", "websocket", "graphql"] as const) {
    using waiting = createClient({ endpoints: silent.url, face, timeoutMs: 150 });
    const { code, status } = await failed(waiting.infer(request));
    assert.deepEqual({ code, status }, { code: "DEADLINE_EXCEEDED", status: null }, face);
  }
});

test("nobody listens: it is certain that nothing was sent, so load is tried again too", async () => {
  const url = await closedPort();
  for (const face of [
    "rest-json",
    "rest-binary",
    "grpc",
    "grpc-web",
    "connect",
    "websocket",
    "graphql",
  ] as const) {
    const timing = hasty();
    using client = createClientOn(nodePlatform, { endpoints: url, face }, timing);
    const { code, mayHaveRun, status } = await failed(client.load("m"));
    assert.deepEqual(
      { code, mayHaveRun, status },
      { code: "SERVER_UNREACHABLE", mayHaveRun: false, status: null },
      face,
    );
    assert.equal(timing.waits.length, 3, face);
  }
});

test("a name that nobody knows is unreachable", async () => {
  for (const face of ["rest-binary", "grpc"] as const) {
    using client = once({ endpoints: "http://no-such-host.invalid", face });
    const { code, mayHaveRun } = await failed(client.ready());
    assert.deepEqual({ code, mayHaveRun }, { code: "SERVER_UNREACHABLE", mayHaveRun: false }, face);
  }
});

test("an endpoint that is down at the start is passed over", async () => {
  await using server = await httpServer((_, response) => void response.end(answer));
  using client = createClient({
    endpoints: [await closedPort(), server.url],
    face: "rest-json",
    retry: { retries: 0 },
  });
  for (let i = 0; i < 3; i++) assert.deepEqual(await client.infer(request), answered);
});

test("a server without TLS is told from one that is away", async () => {
  await using server = await httpServer((_, response) => void response.end(answer));
  for (const face of ["rest-binary", "grpc"] as const) {
    using client = once({ endpoints: server.url.replace("http:", "https:"), face });
    const { code, mayHaveRun } = await failed(client.infer(request));
    assert.deepEqual({ code, mayHaveRun }, { code: "TLS_FAILED", mayHaveRun: false }, face);
  }
});

test("a connection that is reset in its handshake has sent nothing", async () => {
  await using server = await tcpServer((socket) => socket.once("data", () => socket.destroy()));
  for (const face of ["rest-binary", "grpc"] as const) {
    using client = once({ endpoints: server.url.replace("http:", "https:"), face });
    const { code, mayHaveRun } = await failed(client.load("m"));
    assert.deepEqual({ code, mayHaveRun }, { code: "SERVER_UNREACHABLE", mayHaveRun: false }, face);
  }
});

test("a request that cannot be sent is its caller's fault on every face, and does not suspend the server", async () => {
  await using server = await grpcServer(() => {});
  const image = Uint8Array.of(1);
  for (const face of ["grpc", "grpc-web", "connect"] as const) {
    using client = createClient({ endpoints: server.url, face });
    for (let i = 0; i < 25; i++) {
      const { code, mayHaveRun } = await failed(client.predict({ model: "m", images: [image], top: -1 }));
      assert.deepEqual({ code, mayHaveRun }, { code: "OPTION_INVALID", mayHaveRun: false }, face);
    }
    const input = { name: "x", datatype: "FP32", shape: [0.5], data: Float32Array.of(1) } as const;
    const broken = { model: "m", inputs: [input] };
    assert.equal((await failed(client.infer(broken))).code, "OPTION_INVALID", face);
    async function* requests() {
      yield broken;
    }
    assert.equal((await failed(all(client.inferStream(requests())))).code, "OPTION_INVALID", face);
  }
  using client = createClient({ endpoints: server.url });
  const unread = await failed(client.predict({ model: "m", images: ["no/such/file.png"] }));
  assert.equal(unread.code, "OPTION_INVALID");
  assert.match(unread.message, /no\/such\/file\.png/);
});

test("a model that is not ready is told from one that is not there, and from a path that is not the server's", async () => {
  let answer = { status: 503, code: "MODEL_NOT_READY" };
  await using server = await httpServer((_, response) => {
    response.writeHead(answer.status, { "content-type": "application/problem+json" });
    response.end(JSON.stringify({ code: answer.code, detail: "none", retryable: false }));
  });
  using client = once({ endpoints: server.url });
  assert.equal(await client.modelReady("m"), false);
  answer = { status: 404, code: "MODEL_UNKNOWN" };
  assert.equal((await failed(client.modelReady("m"))).code, "MODEL_UNKNOWN");
  answer = { status: 404, code: "ROUTE_UNKNOWN" };
  assert.equal((await failed(client.ready())).code, "ROUTE_UNKNOWN");
});

test("what is no answer of the protocol is told so, and is not tried again", async () => {
  let requests = 0;
  let page = "<html>hello</html>";
  await using server = await httpServer((_, response) => {
    requests++;
    response.end(page);
  });
  using client = createClient({ endpoints: server.url, face: "rest-json" });
  const tensor = (shape: unknown, data: unknown, datatype = "FP32") =>
    JSON.stringify({ model_name: "m", model_version: "1", outputs: [{ name: "y", datatype, shape, data }] });
  const pages = [
    page,
    "null",
    "{}",
    tensor([2], [1]),
    tensor([1], ["a"]),
    tensor([1], [null]),
    tensor([1], [1], "constructor"),
    tensor(3, [1]),
  ];
  for (page of pages) assert.equal((await failed(client.infer(request))).code, "ANSWER_INVALID", page);
  assert.equal(requests, pages.length);
});

test("an answer over the limit is not taken", async () => {
  await using server = await httpServer((_, response) => void response.end(Buffer.alloc(5_000)));
  using client = createClient({ endpoints: server.url, maxAnswerBytes: 4_000 });
  assert.equal((await failed(client.infer(request))).code, "ANSWER_TOO_LARGE");
});
