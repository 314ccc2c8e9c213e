/** What breaks between a client and a server: sockets, names, certificates, halves of answers. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { ClientError, type ClientOptions, createClient } from "@cupel/client";
import { createClientOn } from "../src/client.ts";
import { nodePlatform } from "../src/node/platform.ts";
import { systemTiming, type Timing } from "../src/policies/timing.ts";
import { retryAfterOf } from "../src/rest/problem.ts";
import { closedPort, grpcServer, httpServer, tcpServer } from "./support/faulty-server.ts";

const request = { model: "m", id: "a", inputs: [] };
const answer = JSON.stringify({ model_name: "m", model_version: "1", id: "a", outputs: [] });
const answered = { model: "m", version: "1", id: "a", outputs: [] };

/** Waits between tries are remembered and over at once; deadlines of a second and more never come. */
function hasty(): Timing & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    ...systemTiming,
    waits,
    wait(ms, signal) {
      if (ms >= 20_000) return systemTiming.wait(ms, signal);
      waits.push(ms);
      return Promise.resolve();
    },
  };
}

async function failed(asked: Promise<unknown>): Promise<ClientError> {
  try {
    await asked;
  } catch (thrown) {
    assert.ok(thrown instanceof ClientError, String(thrown));
    return thrown;
  }
  assert.fail("It was answered.");
}

async function all(answers: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of answers);
}

const once = (options: Omit<ClientOptions, "retry">) => createClient({ ...options, retry: { retries: 0 } });

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

test("gRPC: a GOAWAY and a destroyed connection cost a retry, and the next call has a new connection", async () => {
  await using server = await grpcServer(({ session, number }) => {
    if (number === 1) session.goaway();
    if (number === 3) session.destroy();
  });
  using client = createClientOn(nodePlatform, { endpoints: server.url, face: "grpc" }, hasty());
  for (let i = 0; i < 6; i++) assert.deepEqual(await client.infer(request), answered, `call ${i}`);
  assert.ok(server.connections >= 3);
});

// As https://github.com/grpc/grpc-node/issues/1969 has it: what a server refuses before it begins is sent again.
test("gRPC: a stream that is refused is tried again", async () => {
  await using server = await grpcServer(({ stream, number }) => {
    const refusedStream = 7;
    if (number === 0) stream.close(refusedStream);
  });
  using client = createClientOn(nodePlatform, { endpoints: server.url, face: "grpc" }, hasty());
  assert.deepEqual(await client.infer(request), answered);
});

// As https://github.com/grpc/grpc-node/issues/601 has it, where later calls hung until their deadline.
test("gRPC: while the server is away every call says so at once, and the first one after it is back is answered", async () => {
  const first = await grpcServer(() => {});
  using client = once({ endpoints: first.url, face: "grpc" });
  assert.deepEqual(await client.infer(request), answered);
  await first[Symbol.asyncDispose]();
  const codes: string[] = [];
  for (let i = 0; i < 4; i++) codes.push((await failed(client.infer(request))).code);
  assert.deepEqual(codes.slice(1), Array(3).fill("SERVER_UNREACHABLE"));
  await using again = await grpcServer(() => {}, first.port);
  assert.deepEqual(await client.infer(request), answered);
  assert.equal(again.connections, 1);
});

test("gRPC: calls at once share connections by the pool's rule, and cancelled ones free their place", async () => {
  await using server = await grpcServer(() => {});
  using client = createClient({
    endpoints: server.url,
    face: "grpc",
    pool: { connections: 3, callsEach: 2 },
  });
  await Promise.all(Array.from({ length: 20 }, () => client.infer(request)));
  assert.equal(server.connections, 3);
  const leaver = new AbortController();
  const left = Array.from({ length: 6 }, () => failed(client.infer(request, { signal: leaver.signal })));
  leaver.abort();
  for (const { code } of await Promise.all(left)) assert.equal(code, "CANCELLED");
  for (let i = 0; i < 4; i++) await client.infer(request);
  assert.equal(server.connections, 3);
});

test("a client that is closed leaves no connection", async () => {
  for (const face of ["rest-json", "grpc"] as const) {
    const serverOf = {
      "rest-json": () => httpServer((_, response) => void response.end(answer)),
      grpc: () => grpcServer(() => {}),
    };
    await using server = await serverOf[face]();
    const client = createClient({ endpoints: server.url, face });
    await client.infer(request);
    client.close();
    await server.idle();
    assert.equal((await failed(client.infer(request))).code, "CLIENT_CLOSED");
  }
});

test("gRPC: a stream is answered in order, a request that fails is an answer, and whoever stops reading leaves it", async () => {
  await using server = await grpcServer(() => {});
  using client = createClient({ endpoints: server.url, face: "grpc" });
  async function* requests() {
    for (const id of ["a", "bad", "b"]) yield { model: "m", id, inputs: [] };
    await new Promise(() => {});
  }
  const answers: unknown[] = [];
  for await (const each of client.inferStream(requests())) {
    answers.push(each);
    if (answers.length === 3) break;
  }
  const response = (id: string) => ({
    kind: "response",
    response: { model: "m", version: "1", id, outputs: [] },
  });
  const failure = { kind: "failure", id: "bad", code: "MODEL_UNKNOWN", message: "There is none." };
  assert.deepEqual(answers, [response("a"), failure, response("b")]);
  using rest = createClient({ endpoints: server.url, face: "rest-json" });
  const refused = failed(all(rest.inferStream(requests())));
  assert.equal((await refused).code, "FACE_UNSUPPORTED");
  await using away = await grpcServer(({ session }) => session.destroy());
  using lost = createClient({ endpoints: away.url, face: "grpc" });
  assert.equal((await failed(all(lost.inferStream(requests())))).code, "CONNECTION_LOST");
});

test("GraphQL: an error has its code, its status and its time to come again; what is not GraphQL's is told as on REST", async () => {
  let reply = { status: 200, body: "", headers: {} };
  const sent: { type: string; csrf: unknown; timeout: unknown }[] = [];
  await using server = await httpServer((asked, response) => {
    const { "content-type": type = "", "cupel-csrf": csrf, "cupel-timeout-ms": timeout } = asked.headers;
    sent.push({ type: type.split(";")[0]!, csrf, timeout: Number(timeout) <= 5_000 });
    response.writeHead(reply.status, reply.headers).end(reply.body);
  });
  using client = createClient({
    endpoints: server.url,
    face: "graphql",
    retry: { retries: 0 },
    timeoutMs: 5_000,
  });
  const refused = (extensions: object) =>
    JSON.stringify({ data: null, errors: [{ message: "No.", extensions }] });
  const inferred = (output: object) =>
    JSON.stringify({ data: { infer: { model: "m", version: "1", id: null, outputs: [output] } } });
  const head = { name: "y", datatype: "FP32", shape: [1] };
  const limited = { code: "RATE_LIMIT", retryable: true, limit: "rate" };
  const rows = [
    [429, { "retry-after": "7" }, refused(limited), "RATE_LIMIT", 7_000],
    [429, { "retry-after": "7" }, refused({ ...limited, retryAfterMs: 6_500 }), "RATE_LIMIT", 6_500],
    [404, {}, refused({ code: "MODEL_UNKNOWN", retryable: false }), "MODEL_UNKNOWN", null],
    [500, {}, '{"errors": [null]}', "HTTP_500", null],
    [500, {}, '{"data": {"infer": {}}}', "HTTP_500", null],
    [404, {}, '{"code": "PATH_UNKNOWN", "detail": "None."}', "PATH_UNKNOWN", null],
    [503, { "retry-after": "1" }, "<h1>Later</h1>", "HTTP_503", 1_000],
    [200, {}, "<h1>Hello</h1>", "ANSWER_INVALID", null],
    [200, {}, refused({ code: "RATE_LIMIT" }), "ANSWER_INVALID", null],
    [200, {}, '{"data": null}', "ANSWER_INVALID", null],
    [200, {}, '{"data": {"infer": null}}', "ANSWER_INVALID", null],
    [200, {}, '{"data": {}}', "ANSWER_INVALID", null],
    [200, {}, '{"data": {"infer": {}}}', "ANSWER_INVALID", null],
    [200, {}, inferred(head), "ANSWER_INVALID", null],
    [200, {}, inferred({ ...head, base64: "?" }), "ANSWER_INVALID", null],
    [200, {}, inferred({ ...head, base64: "AAA=" }), "ANSWER_INVALID", null],
  ] as const;
  for (const [status, headers, body, code, retryAfterMs] of rows) {
    reply = { status, headers, body };
    const error = await failed(client.infer(request));
    assert.deepEqual([error.code, error.retryAfterMs], [code, retryAfterMs], body);
    if (code !== "ANSWER_INVALID") assert.equal(error.status, status, body);
  }
  assert.deepEqual(sent.at(-1), { type: "application/json", csrf: undefined, timeout: true });
  await failed(client.predict({ model: "m", images: [Uint8Array.of(1)] }));
  assert.deepEqual(sent.at(-1), { type: "multipart/form-data", csrf: "1", timeout: true });
  const models = Array(1_000).fill({ name: "m", version: "1", state: "READY", reason: "" });
  reply = { status: 200, headers: {}, body: JSON.stringify({ data: { models } }) };
  assert.equal((await failed(client.index())).code, "FACE_UNSUPPORTED");
  assert.equal((await failed(all(client.inferStream((async function* () {})())))).code, "FACE_UNSUPPORTED");
});

test("WebSocket: certificates that it cannot be given are refused when the client is made", () => {
  assert.throws(
    () => createClient({ endpoints: "https://127.0.0.1", face: "websocket", tls: { ca: "pem" } }),
    {
      code: "FACE_UNSUPPORTED",
    },
  );
});

test("WebSocket: an open connection that breaks is told so, and a load on it is not sent again", async () => {
  await using server = await tcpServer((socket) => {
    socket.on("data", (data) => {
      const key = /^sec-websocket-key: *(\S+)/im.exec(data.toString("latin1"))?.[1];
      if (key === undefined) return socket.resetAndDestroy();
      // RFC 6455, section 4.2.2
      const accept = hash("sha1", `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, "base64");
      const lines = ["HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: Upgrade"];
      lines.push(`sec-websocket-accept: ${accept}`, "sec-websocket-protocol: cupel.grpc.v1", "", "");
      return socket.write(lines.join("\r\n"));
    });
  });
  using client = createClientOn(nodePlatform, { endpoints: server.url, face: "websocket" }, hasty());
  const { code, mayHaveRun, status } = await failed(client.load("m"));
  assert.deepEqual({ code, mayHaveRun, status }, { code: "CONNECTION_LOST", mayHaveRun: true, status: null });
  assert.equal(server.connections, 1);
});
