/** Faults that one face alone can have: streams of gRPC, errors of GraphQL, sockets of WebSocket. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { createClient } from "@cupel/client";
import { createClientOn } from "../src/client.ts";
import { nodePlatform } from "../src/node/platform.ts";
import { all, answer, answered, failed, hasty, once, request } from "./support/faulty-calls.ts";
import { grpcServer, httpServer, tcpServer } from "./support/faulty-server.ts";

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
  await using again = await grpcServer(() => {}, { port: first.port });
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
    [404, {}, '{"code": "ROUTE_UNKNOWN", "detail": "None."}', "FACE_UNSUPPORTED", null],
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
    if (code !== "ANSWER_INVALID" && code !== "FACE_UNSUPPORTED") assert.equal(error.status, status, body);
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
