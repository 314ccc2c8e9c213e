/** gRPC-Web and Connect beside gRPC: the forms of refusals, plain HTTP, text mode, times, who leaves. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { connect as connectTls } from "node:tls";

import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport as nodeTransport } from "@connectrpc/connect-node";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { makeThrowawayCertificate, openTemporaryFolder } from "@cupel/base";
import { PixelFormat, VisionService } from "../../src/grpc/gen/cupel/v1/vision_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../src/grpc/gen/google/rpc/error_details_pb.ts";
import { Health } from "../../src/grpc/gen/grpc/health/v1/health_pb.ts";
import { GRPCInferenceService } from "../../src/grpc/gen/inference/inference_service_pb.ts";
import { infer, inference, openFace, until } from "../grpc/open-face.ts";
import "../support/xml-http-request.ts";
import { OfficialClient } from "../support/official-grpc-web.ts";

type Opened = Awaited<ReturnType<typeof openFace>>;

const post = (server: Opened, path: string, type: string, body: string | Uint8Array = "", headers = {}) =>
  fetch(`${server.listener.url}/${path}`, {
    method: "POST",
    headers: { "content-type": type, ...headers },
    body: Buffer.from(body),
  });

const x = { name: "x", datatype: "UINT8", shape: [1n], contents: { uintContents: [1] } };
const json = (model: string) =>
  JSON.stringify({
    modelName: model,
    inputs: [{ name: "x", datatype: "UINT8", shape: ["1"], contents: { uintContents: [1] } }],
  });

const transports: readonly (readonly [string, (baseUrl: string) => Transport])[] = [
  ["connect", (baseUrl) => createConnectTransport({ baseUrl })],
  ["connect", (baseUrl) => nodeTransport({ baseUrl, httpVersion: "1.1" })],
  ["grpc-web", (baseUrl) => createGrpcWebTransport({ baseUrl })],
];

test("errors have the same code, details and time to come again on each; the call knows its face", async () => {
  await using server = await openFace();
  for (const [face, transport] of transports) {
    const client = createClient(GRPCInferenceService, transport(server.listener.url));
    const error = await client.modelInfer({ modelName: "full", inputs: [x] }).catch(ConnectError.from);
    assert.ok(error instanceof ConnectError);
    assert.equal(error.code, Code.ResourceExhausted);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "QUEUE_LIMIT");
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.metadata.limit, "4");
    assert.deepEqual(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.nanos, 500_000_000);
    const none = await client.modelInfer({ modelName: "none", inputs: [x] }).catch(ConnectError.from);
    assert.ok(none instanceof ConnectError);
    assert.equal(none.rawMessage, 'There is no model "none", 100 % sure; naïve 模型.');
    assert.equal(server.echo.calls.at(-1)?.face, face);
  }
});

test("plain HTTP is told by status and headers, in the mapping that Connect publishes", async () => {
  await using server = await openFace();
  const full = await post(server, infer, "Application/JSON; charset=UTF-8", json("full"));
  assert.deepEqual([full.status, full.headers.get("retry-after")], [429, "2"]);
  assert.equal(((await full.json()) as { code: string }).code, "resource_exhausted");
  assert.equal((await post(server, infer, "application/json", json("none"))).status, 404);
  assert.equal((await post(server, infer, 'application/json;  charset="utf-8"', "{")).status, 400);
  const wrong = await post(server, infer, "application/json", "{}", { "x-api-key": "wrong" });
  assert.deepEqual([wrong.status, wrong.headers.get("www-authenticate")], [401, "Bearer"]);
  assert.equal((await post(server, infer, "application/json; charset=latin1", json("echo"))).status, 415);
  assert.deepEqual(server.state.failures, ["QUEUE_LIMIT", "MODEL_UNKNOWN", "REQUEST_INVALID"]);
});

test("what the library refuses has our code on each, and a body is refused before it is read", async () => {
  await using server = await openFace({ bodyLimit: 100_000 });
  for (const [, transport] of transports) {
    const client = createClient(GRPCInferenceService, transport(server.listener.url));
    const large = { modelName: "echo", rawInputContents: [new Uint8Array(3 << 20)] };
    const refused = await client.modelInfer(large).catch(ConnectError.from);
    assert.ok(refused instanceof ConnectError);
    assert.equal(refused.code, Code.ResourceExhausted);
    assert.equal(refused.findDetails(ErrorInfoSchema)[0]?.reason, "BODY_TOO_LARGE");
    const door = await client
      .modelInfer(large, { headers: { "x-api-key": "wrong" } })
      .catch(ConnectError.from);
    assert.ok(door instanceof ConnectError);
    assert.equal(door.findDetails(ErrorInfoSchema)[0]?.reason, "AUTH_REQUIRED");
  }
  const text = await post(server, infer, "application/grpc-web-text", "AAAA!");
  assert.match(Buffer.from(await text.text(), "base64").toString(), /grpc-status: 3/);
  const twice = await post(server, infer, "application/grpc-web+proto", Buffer.alloc(10));
  assert.match(await twice.text(), /grpc-status: 12/);
});

test("an unknown method, type, verb or version of HTTP is told in the form of the protocol that asks", async () => {
  await using server = await openFace();
  const json404 = await post(server, `${inference}/Nope`, "application/json", "{}");
  assert.equal(json404.status, 404);
  const told = (await json404.json()) as { code: string; details: { debug: { reason: string } }[] };
  assert.deepEqual([told.code, told.details[0]?.debug.reason], ["unimplemented", "ROUTE_UNKNOWN"]);
  for (const type of ["application/grpc-web+proto", "application/grpc-web-text"]) {
    const web = await post(server, "no.Such/Method", type);
    assert.deepEqual([web.status, web.headers.get("grpc-status"), await web.text()], [200, "12", ""]);
    assert.equal(web.headers.get("content-type"), type);
  }
  const stream = await post(server, "no.Such/Method", "application/connect+json");
  assert.match(await stream.text(), /"code":"unimplemented"/);
  const verb = await fetch(`${server.listener.url}/${infer}?connect=v1&encoding=json&message=%7B%7D`);
  assert.deepEqual([verb.status, verb.headers.get("allow")], [405, "POST"]);
  assert.equal((await post(server, infer, "text/plain")).status, 415);
  const both = await post(server, `${inference}/ModelStreamInfer`, "application/connect+proto");
  assert.equal(both.status, 505);
  assert.equal(((await both.json()) as { code: string }).code, "HTTP_VERSION_UNSUPPORTED");
});

test("what changes nothing is a GET in Connect, and no cache keeps it", async () => {
  await using server = await openFace();
  const { url } = server.listener;
  const message = encodeURIComponent(JSON.stringify({ name: "echo" }));
  const got = await fetch(`${url}/${inference}/ModelReady?connect=v1&encoding=json&message=${message}`);
  assert.deepEqual(await got.json(), { ready: true });
  assert.equal(got.headers.get("cache-control"), "no-store");
  const none = encodeURIComponent(JSON.stringify({ name: "none" }));
  const lost = await fetch(`${url}/${inference}/ModelMetadata?connect=v1&encoding=json&message=${none}`);
  assert.deepEqual([lost.status, lost.headers.get("cache-control")], [404, "no-store"]);
});

test("JSON has 64-bit numbers and bytes as text, and NaN by its name", async () => {
  await using server = await openFace();
  const input = (name: string, datatype: string, contents: object) => ({
    name,
    datatype,
    shape: ["2"],
    contents,
  });
  const body = {
    modelName: "echo",
    inputs: [
      input("big", "INT64", { int64Contents: ["9007199254740993", "-9223372036854775808"] }),
      input("odd", "FP64", { fp64Contents: ["NaN", "-Infinity"] }),
    ],
  };
  const answer = await post(server, infer, "application/json", JSON.stringify(body));
  const { outputs, rawOutputContents: raw } = (await answer.json()) as {
    outputs: { shape: string[] }[];
    rawOutputContents: string[];
  };
  assert.deepEqual(outputs[0]?.shape, ["2"]);
  const bytes = raw.map((text) => Uint8Array.from(Buffer.from(text, "base64")).buffer);
  assert.deepEqual(new BigInt64Array(bytes[0]!), BigInt64Array.of(9007199254740993n, -(2n ** 63n)));
  assert.deepEqual(new Float64Array(bytes[1]!), Float64Array.of(Number.NaN, -Infinity));
});

test("text in two padded pieces is one request; a watched state comes a whole piece at a time", async () => {
  await using server = await openFace();
  // ModelReady of "echo": the head of its frame in a piece, the message in another.
  const pieces = [Buffer.from([0, 0, 0, 0, 6]), Buffer.from([10, 4, ...Buffer.from("echo")])];
  const body = pieces.map((piece) => piece.toString("base64")).join("");
  const ready = await post(server, `${inference}/ModelReady`, "APPLICATION/GRPC-WEB-TEXT+PROTO", body);
  assert.equal(ready.headers.get("content-type"), "application/grpc-web-text+proto");
  assert.ok((await ready.text()).startsWith(Buffer.from([0, 0, 0, 0, 2, 8, 1]).toString("base64")));

  const official = new OfficialClient(server.listener.url, "text");
  const states: number[] = [];
  const watch = official.stream(Health.method.watch, {}, { "cupel-timing": "1" });
  watch.onData(({ status }) => states.push(status));
  await until(() => states.length === 1);
  server.echo.ready = false;
  await until(() => states.length === 2);
  assert.deepEqual(states, [1, 2]);
  watch.cancel();
  await until(() => server.state.open === 0);
  assert.deepEqual(server.state.failures, ["CANCELLED"]);
});

test("images are answered one by one, and one that fails is told in its place", async () => {
  await using server = await openFace({ streamConcurrency: 2 });
  const image = { data: new Uint8Array(3), format: PixelFormat.RGB, width: 1, height: 1 };
  const images = [image, { ...image, format: 9 as PixelFormat }, image];
  for (const [, transport] of transports) {
    const client = createClient(VisionService, transport(server.listener.url));
    const told: string[] = [];
    let trailers = new Headers();
    const options = {
      headers: { "cupel-timing": "1" },
      onTrailer(got: Headers) {
        trailers = got;
      },
    };
    for await (const { index, errorMessage, response } of client.predictEach({ model: "m", images }, options))
      told.push(`${index} ${errorMessage.split(":")[0]} ${response?.answers.length ?? ""}`);
    assert.deepEqual(told, ["0  1", "1 REQUEST_INVALID ", "2  1"]);
    assert.match(trailers.get("server-timing") ?? "", /^decode;dur=\d/);
  }
});

test("times go where the protocol has room for them, when they are asked for", async () => {
  await using server = await openFace();
  const asked = { "cupel-timing": "1" };
  const plain = await post(server, infer, "application/json", json("echo"), asked);
  assert.match(plain.headers.get("server-timing") ?? "", /^decode;dur=[\d.]+, encode;dur=/);
  const frame = Buffer.alloc(5);
  const { modelInfer } = GRPCInferenceService.method;
  for (const mode of ["binary", "text"] as const) {
    const official = new OfficialClient(server.listener.url, mode);
    // A unary method is called as a stream of one: the client tells trailers of streams alone.
    const call = official.stream(modelInfer, { modelName: "echo", inputs: [x] }, asked);
    assert.match((await call.ended)["server-timing"] ?? "", /^decode;dur=/);
  }
  const unasked = await post(server, infer, "application/grpc-web+proto", frame);
  assert.doesNotMatch(await unasked.text(), /server-timing/);
});

test("a client of HTTP/1.1 that leaves or hangs up half is noticed while it waits", async () => {
  await using server = await openFace();
  const body = json("wait");
  for (const leave of ["destroy", "end"] as const) {
    const socket = connect(server.listener.port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(
      `POST /${infer} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await until(() => server.echo.waiting === 1);
    socket[leave]();
    await until(() => server.echo.waiting === 0 && server.state.open === 0);
    socket.destroy();
  }
  assert.deepEqual(server.state.failures, ["CANCELLED", "CANCELLED"]);
  const nowhere = connect(server.listener.port, "127.0.0.1");
  nowhere.write(
    `POST /${infer} HTTP/1.1\r\nhost: a b[\r\ncontent-type: application/proto\r\ncontent-length: 0\r\n\r\n`,
  );
  const [answer] = await once(nowhere, "data");
  assert.match(String(answer), /^HTTP\/1.1 400 /);
  nowhere.destroy();
});

test("a client that waits for years is answered, though its message comes late", async () => {
  await using server = await openFace();
  const framed = Buffer.concat([Buffer.from([0, 0, 0, 0, json("echo").length]), Buffer.from(json("echo"))]);
  const late = async function* (body: Uint8Array) {
    yield body.subarray(0, 3);
    await delay(50);
    yield body.subarray(3);
  };
  for (const [type, timeout, body] of [
    ["application/json", { "connect-timeout-ms": "9999999999" }, Buffer.from(json("echo"))],
    ["application/grpc-web+json", { "grpc-timeout": "99999999S" }, framed],
    ["application/grpc-web+json", { "grpc-timeout": "99999999H" }, framed],
  ] as const) {
    const answer = await fetch(`${server.listener.url}/${infer}`, {
      method: "POST",
      headers: { "content-type": type, ...timeout },
      body: ReadableStream.from(late(body)),
      duplex: "half",
    });
    assert.match(await answer.text(), /"modelName":"echo"/);
  }
  const wrong = await post(server, infer, "application/json", json("echo"), { "connect-timeout-ms": "1e9" });
  assert.equal(wrong.status, 400);
});
test("over TLS a client that sends on before it reads its answers is waited for, not taken for malformed", async () => {
  await using folder = await openTemporaryFolder("tls");
  const authority = makeThrowawayCertificate("An authority");
  const own = makeThrowawayCertificate("localhost", authority);
  const tls = { certificate: join(folder.path, "cert.pem"), key: join(folder.path, "key.pem") };
  await writeFile(tls.certificate, own.certificate);
  await writeFile(tls.key, own.key);
  await using server = await openFace({ tls });
  const below = gathering(server.listener.port);
  const socket = connectTls({
    socket: below,
    servername: "localhost",
    ca: authority.certificate,
    ALPNProtocols: ["http/1.1"],
  });
  await once(socket, "secureConnect");
  const size = 600_000;
  const large = { name: "x", datatype: "UINT8", shape: [size] };
  const raw = Buffer.alloc(size).toString("base64");
  const body = JSON.stringify({ modelName: "echo", inputs: [large], rawInputContents: [raw] });
  const head = `POST /${infer} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const requests = 12;
  for (let i = 0; i < requests; i++) socket.write(head + body);
  // Nothing is read until nothing moves: answers fill what lies between. What comes then finds a parser that pauses.
  await once(socket, "readable");
  const { echo } = server;
  for (let before = -1; before !== echo.requests.length; await delay(100)) before = echo.requests.length;
  const small = JSON.stringify({ name: "x" });
  const smallHead = `POST /${inference}/ModelMetadata HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${small.length}\r\n\r\n`;
  socket.write(smallHead);
  socket.write(small);
  await delay(100);
  let answers = "";
  for await (const chunk of socket) {
    answers += String(chunk).replaceAll("A", "");
    if (answers.includes("onnxruntime")) break;
  }
  assert.deepEqual(answers.match(/HTTP\/1.1 \d+/g), Array(requests + 1).fill("HTTP/1.1 200"));
});

/** A connection on which records of TLS that are written at one time arrive together. */
function gathering(port: number): Duplex {
  const socket = connect(port, "127.0.0.1");
  let pending: Uint8Array[] = [];
  const send = () => {
    socket.write(Buffer.concat(pending));
    pending = [];
  };
  const below = new Duplex({
    read: () => void socket.resume(),
    write(chunk, _encoding, written) {
      if (pending.push(chunk) === 1) setImmediate(setImmediate, send);
      written();
    },
    destroy(error, destroyed) {
      socket.destroy();
      destroyed(error);
    },
  });
  socket.on("data", (chunk) => {
    if (!below.push(chunk)) socket.pause();
  });
  return below;
}
