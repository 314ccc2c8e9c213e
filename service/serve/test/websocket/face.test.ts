/** Calls by WebSocket: all kinds of methods, errors, deadlines, departures, backpressure, the end of the server. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, type ConnectError, createClient } from "@connectrpc/connect";
import { makeThrowawayCertificate, openTemporaryFolder } from "@cupel/base";
import { createWebSocketTransport } from "../../../client/src/websocket/transport.ts";
import { Health } from "../../src/grpc/gen/grpc/health/v1/health_pb.ts";
import {
  GRPCInferenceService,
  ModelInferRequestSchema,
} from "../../src/grpc/gen/inference/inference_service_pb.ts";
import { one, streamInfer, until } from "../grpc/open-face.ts";
import { GrpcPeer, type Message } from "../support/grpc-peer.ts";
import { openAdmission } from "../support/open-admission.ts";
import {
  ask,
  endOfStream,
  framed,
  headers,
  inferPath,
  json,
  message,
  openFace,
  RawStream,
  request,
  streamPath,
} from "./open-socket.ts";

const health = "/grpc.health.v1.Health";

test("a call is headers, messages and an end; its answer is headers, messages and trailers, then the socket closes", async () => {
  await using server = await openFace();
  const parts = [headers({ ...json, "x-api-key": "k" }), message(request("echo", "a-1")), endOfStream];
  const answered = await ask(server.url + inferPath, ...parts);
  assert.deepEqual([answered.status, answered.close], [0, 1000]);
  assert.equal(answered.headers.get("content-type"), "application/grpc+json");
  assert.deepEqual(answered.messages, [
    {
      modelName: "echo",
      modelVersion: "1",
      id: "a-1",
      outputs: [{ name: "x", datatype: "UINT8", shape: ["1"] }],
      rawOutputContents: ["AQ=="],
    },
  ]);
  // A byte a message, and all but the last in one.
  const bytes = Buffer.concat(parts);
  const slow = await new RawStream(server.url + inferPath).open();
  for (const byte of bytes) slow.send(Uint8Array.of(byte));
  assert.deepEqual((await slow.answered()).messages, answered.messages);
  // Without a type messages are of protobuf; compressed ones are answered compressed.
  const binary = toBinary(
    ModelInferRequestSchema,
    create(ModelInferRequestSchema, {
      modelName: "echo",
      inputs: [{ name: "x", datatype: "UINT8", shape: [4000n] }],
      rawInputContents: [new Uint8Array(4000)],
    }),
  );
  const packed = await new RawStream(server.url + inferPath).open();
  packed.send(
    headers({ "grpc-encoding": "gzip", "grpc-accept-encoding": "gzip" }),
    framed(1, gzipSync(binary)),
    endOfStream,
  );
  assert.equal(await packed.closeCode, 1000);
  const [head, answer] = packed.frames;
  assert.match(String(head?.payload), /content-type: application\/grpc\+proto\r\n/);
  assert.match(String(head?.payload), /grpc-encoding: gzip\r\n/);
  assert.equal(answer?.flags, 1);
  assert.deepEqual(server.state.keys, ["k", "k", undefined]);
  assert.deepEqual(
    server.echo.calls.map(({ face }) => face),
    ["websocket", "websocket", "websocket"],
  );
});

test("a client that waits for years is answered, though its message comes late", async () => {
  await using server = await openFace();
  const patient = await new RawStream(server.url + inferPath).open();
  patient.send(headers({ ...json, "grpc-timeout": "99999999S" }));
  await delay(50);
  patient.send(message(request("echo", "a-1")), endOfStream);
  assert.equal((await patient.answered()).status, 0);
});

test("a stream both ways answers while it is sent, and says what HTTP/2 says", async () => {
  await using server = await openFace();
  const stream = await new RawStream(server.url + streamPath).open();
  stream.send(headers());
  const ids: unknown[] = [];
  for (const id of ["a", "b", "c"]) {
    stream.send(message(request("echo", id)));
    await until(() => stream.messages.length > ids.length);
    ids.push((stream.messages.at(-1) as Message).inferResponse);
  }
  stream.send(endOfStream);
  const answered = await stream.answered();
  assert.deepEqual([answered.status, answered.close, answered.messages.length], [0, 1000, 3]);
  assert.deepEqual(
    ids.map((answer) => (answer as Message).id),
    ["a", "b", "c"],
  );

  const models = ["echo", "none", "full", "broken", "echo"];
  using peer = new GrpcPeer(server.listener.port);
  const oracle = peer.stream(streamInfer);
  for (const [i, model] of models.entries()) oracle.write(one(model, `${i}`));
  oracle.end();
  const expected: unknown[] = [];
  for await (const each of oracle as AsyncIterable<Message>) {
    expected.push([(each.infer_response as Message).id, each.error_message]);
  }
  const client = createClient(
    GRPCInferenceService,
    createWebSocketTransport({ baseUrl: server.listener.url }),
  );
  const requests = async function* () {
    for (const [i, modelName] of models.entries())
      yield {
        modelName,
        id: `${i}`,
        inputs: [{ name: "x", datatype: "UINT8", shape: [1n], contents: { uintContents: [1] } }],
      };
  };
  const told: unknown[] = [];
  for await (const { inferResponse, errorMessage } of client.modelStreamInfer(requests()))
    told.push([inferResponse?.id, errorMessage]);
  assert.deepEqual(told, expected);
});

test("a stream of the server goes on until its client leaves, and the transport's deadline is the server's", async () => {
  await using server = await openFace();
  const client = createClient(Health, createWebSocketTransport({ baseUrl: server.url }));
  const leaver = new AbortController();
  const watched = client.watch({}, { signal: leaver.signal });
  const states: unknown[] = [];
  const ended = (async () => {
    for await (const { status } of watched) {
      states.push(status);
      leaver.abort();
    }
  })();
  await assert.rejects(ended, ({ code }: ConnectError) => code === Code.Canceled);
  assert.deepEqual(states, [1]);
  await until(() => server.state.open === 0);
  const infer = createClient(GRPCInferenceService, createWebSocketTransport({ baseUrl: server.url }));
  const late = infer.modelInfer({ modelName: "wait" }, { timeoutMs: 60 });
  await assert.rejects(late, ({ code }: ConnectError) => code === Code.DeadlineExceeded);
  await until(() => server.state.open === 0);
  await assert.rejects(
    createClient(Health, createWebSocketTransport({ baseUrl: "http://127.0.0.1:9" })).check({}),
    ({ code }: ConnectError) => code === Code.Unavailable,
  );
});

test("errors are in the trailers, by their code; who is refused at the door is refused before the message is read", async () => {
  await using server = await openFace();
  const url = server.url + inferPath;
  const cases: readonly (readonly [number, string, ...Buffer[]])[] = [
    [5, "MODEL_UNKNOWN", headers(), message(request("none")), endOfStream],
    [8, "QUEUE_LIMIT", headers(), message(request("full")), endOfStream],
    [13, "INTERNAL", headers(), message(request("broken")), endOfStream],
    [16, "AUTH_REQUIRED", headers({ ...json, "x-api-key": "wrong" })],
    [3, "REQUEST_INVALID", headers(), framed(0, "{"), endOfStream],
    [3, "REQUEST_INVALID", headers({ "content-type": "text/plain" })].slice(0, 3) as never,
    [8, "BODY_TOO_LARGE", headers(), Buffer.from([0, 0xff, 0xff, 0xff, 0xff])],
    [
      8,
      "BODY_TOO_LARGE",
      headers({ ...json, "grpc-encoding": "gzip" }),
      framed(1, gzipSync(Buffer.alloc(3 << 20))),
      endOfStream,
    ],
    [
      4,
      "DEADLINE_EXCEEDED",
      headers({ ...json, "grpc-timeout": "30m" }),
      message(request("wait")),
      endOfStream,
    ],
  ];
  for (const [status, reason, ...parts] of cases) {
    const answered = await ask(url, ...parts);
    const expected = parts[0]?.includes("text/plain") ? "MEDIA_TYPE_UNSUPPORTED" : reason;
    assert.deepEqual([answered.status, answered.reason, answered.close], [status, expected, 1000], reason);
  }
  // A large message is refused in the middle, and whoever still sends it finds out why.
  const client = createClient(GRPCInferenceService, createWebSocketTransport({ baseUrl: server.url }));
  const large = client.modelInfer({ modelName: "echo", rawInputContents: [new Uint8Array(30 << 20)] });
  await assert.rejects(
    large,
    ({ code, rawMessage }: ConnectError) => code === Code.ResourceExhausted && /bodyLimit/.test(rawMessage),
  );
});

test("a client that leaves takes its calls with it, with a word or without", async () => {
  await using server = await openFace();
  const leave: readonly ((stream: RawStream) => void)[] = [
    ({ socket }) => socket.close(),
    ({ socket }) => socket.close(4000, "changed my mind"),
    ({ socket }) => socket.terminate(),
  ];
  for (const [i, leaves] of leave.entries()) {
    for (const path of [inferPath, streamPath]) {
      const stream = await new RawStream(server.url + path).open();
      stream.send(headers(), message(request("wait")), path === inferPath ? endOfStream : Buffer.alloc(0));
      await until(() => server.echo.waiting === 1);
      leaves(stream);
      await until(() => server.echo.waiting === 0 && server.state.open === 0);
      await stream.closeCode;
    }
    assert.equal(server.state.failures.length, 2 * (i + 1));
  }
  assert.deepEqual([...new Set(server.state.failures)], ["CANCELLED"]);
});

test("a client that sends faster than is answered waits, and a server whose client does not read waits too", async () => {
  await using server = await openFace({ streamConcurrency: 2 });
  const sender = await new RawStream(server.url + streamPath).open();
  const big = { ...request("wait"), parameters: { padding: { stringParam: "x".repeat(900_000) } } };
  sender.send(headers());
  for (let i = 0; i < 15; i++) sender.send(message(big));
  await until(() => server.echo.waiting === 2);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(server.echo.requests.length, 2);
  assert.ok(
    sender.socket.bufferedAmount > 1 << 20,
    `${sender.socket.bufferedAmount} bytes wait at the client`,
  );
  // That it leaves is behind what it sent: it is noticed when a request more is read, or when the connection breaks.
  sender.socket.terminate();
  for (const release of server.echo.release) release();
  await until(() => {
    for (const release of server.echo.release) release();
    return server.state.open === 0;
  });

  const reader = await new RawStream(server.url + streamPath).open();
  reader.socket.pause();
  reader.send(headers());
  const before = server.echo.requests.length;
  const rawInputContents = [Buffer.alloc(300_000).toString("base64")];
  const inputs = [{ name: "x", datatype: "UINT8", shape: ["300000"] }];
  for (let i = 0; i < 50; i++) reader.send(message({ modelName: "echo", inputs, rawInputContents }));
  reader.send(endOfStream);
  let [last, times] = [0, 0];
  await until(() => {
    const now = server.echo.requests.length - before;
    times = now > 0 && now === last ? times + 1 : 0;
    last = now;
    return times >= 15;
  });
  assert.ok(last < 45, `${last} of 50 answered, to a client that reads none`);
  reader.socket.resume();
  const { status, messages } = await reader.answered();
  assert.deepEqual([status, messages.length], [0, 50]);
});

test("a stopping server finishes calls, ends streams with UNAVAILABLE, and goes away from all", async () => {
  const server = await openFace();
  const silent = await new RawStream(server.url + inferPath).open();
  const stream = await new RawStream(server.url + streamPath).open();
  stream.send(headers(), message(request("wait", "s")));
  const call = await new RawStream(server.url + inferPath).open();
  call.send(headers(), message(request("wait", "c")), endOfStream);
  const watch = await new RawStream(`${server.url}${health}/Watch`).open();
  watch.send(headers(), message({}), endOfStream);
  await until(() => server.echo.waiting === 2 && watch.messages.length === 1);
  const closed = server.listener.close();
  const early = await silent.answered();
  assert.deepEqual([early.status, early.reason, early.close], [14, "SERVER_STOPPING", 1001]);
  for (const release of server.echo.release) release();
  const [streamed, called, watched] = await Promise.all([
    stream.answered(),
    call.answered(),
    watch.answered(),
  ]);
  assert.deepEqual([streamed.status, streamed.reason, streamed.close], [14, "SERVER_STOPPING", 1001]);
  assert.deepEqual([streamed.messages.length, called.messages.length], [1, 1]);
  assert.deepEqual([called.status, called.close], [0, 1001]);
  assert.deepEqual(watched.messages, [{ status: "SERVING" }, { status: "NOT_SERVING" }]);
  assert.deepEqual([watched.status, watched.close], [0, 1001]);
  await closed;
  await until(() => server.instruments.value("openConnections") === 0);
  await server[Symbol.asyncDispose]();
});

test("over TLS the certificate of a client names it", async () => {
  await using folder = await openTemporaryFolder("websocket");
  const path = (name: string) => join(folder.path, name);
  const authority = makeThrowawayCertificate("An authority");
  const own = makeThrowawayCertificate("localhost", authority);
  const client = makeThrowawayCertificate("line-7", authority);
  await writeFile(path("own.pem"), own.certificate);
  await writeFile(path("own.key"), own.key);
  await writeFile(path("authority.pem"), authority.certificate);
  const names: (string | undefined)[] = [];
  const admission = {
    admit: (arrival: Parameters<typeof openAdmission.admit>[0]) => {
      names.push(arrival.peer.certificate);
      return openAdmission.admit(arrival);
    },
  };
  const tls = { certificate: path("own.pem"), key: path("own.key"), clientAuthority: path("authority.pem") };
  await using server = await openFace({ admission }, { tls });
  const stream = await new RawStream(`${server.url}${health}/Check`, {
    ca: authority.certificate,
    cert: client.certificate,
    key: client.key,
  }).open();
  stream.send(headers(), message({}), endOfStream);
  assert.deepEqual((await stream.answered()).messages, [{ status: "SERVING" }]);
  assert.deepEqual(names, ["line-7"]);
});
