/** What is no call: handshakes that are none, frames that are none, clients that stall, vanish, or come by the thousand. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import type { Socket } from "node:net";
import { test } from "node:test";
import { until } from "../grpc/open-face.ts";
import { get2, openHttp2, openSocket, received } from "../support/http-client.ts";
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

const key = "dGhlIHNhbXBsZSBub25jZQ==";

function handshake(path: string, more: Readonly<Record<string, string | null>> = {}, method = "GET"): string {
  const lines = {
    host: "127.0.0.1",
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": key,
    "sec-websocket-protocol": "cupel.grpc.v1",
    ...more,
  };
  const written = Object.entries(lines).filter(([, value]) => value !== null);
  return `${method} ${path} HTTP/1.1\r\n${written.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** A frame of RFC 6455, section 5.2, as a client should mask it, or not. */
function wire(opcode: number, payload: Uint8Array, { isFinal = true, isMasked = true } = {}): Buffer {
  const length =
    payload.length < 126
      ? Buffer.of(payload.length)
      : Buffer.of(126, payload.length >> 8, payload.length & 255);
  length[0] = length[0]! | (isMasked ? 0x80 : 0);
  return Buffer.concat([
    Buffer.of((isFinal ? 0x80 : 0) | opcode),
    length,
    Buffer.alloc(isMasked ? 4 : 0),
    payload,
  ]);
}

async function opened(port: number, path = inferPath): Promise<Socket> {
  const socket = await openSocket(port);
  socket.on("error", () => {});
  socket.write(handshake(path));
  const [answer] = await once(socket, "data");
  assert.match(String(answer), /^HTTP\/1\.1 101 /);
  return socket;
}

test("an upgrade is refused as a request is, with its code, before a socket is one", async () => {
  await using server = await openFace();
  const cases: readonly (readonly [number, string, string, Record<string, string | null>?, string?])[] = [
    [404, "ROUTE_UNKNOWN", "/v2"],
    [404, "ROUTE_UNKNOWN", "/inference.GRPCInferenceService/Nothing"],
    [405, "METHOD_NOT_ALLOWED", inferPath, {}, "POST"],
    [403, "ORIGIN_FORBIDDEN", inferPath, { origin: "https://evil.example" }],
    [403, "ORIGIN_FORBIDDEN", inferPath, { origin: "null" }],
    [400, "REQUEST_INVALID", inferPath, { "sec-websocket-version": "8" }],
    [400, "REQUEST_INVALID", inferPath, { "sec-websocket-version": null }],
    [400, "REQUEST_INVALID", inferPath, { "sec-websocket-key": "short" }],
    [400, "REQUEST_INVALID", inferPath, { "sec-websocket-key": null }],
    [400, "REQUEST_INVALID", inferPath, { "sec-websocket-protocol": null }],
    [400, "REQUEST_INVALID", inferPath, { "sec-websocket-protocol": "cupel.grpc.v2, CUPEL.GRPC.V1" }],
    [400, "REQUEST_INVALID", inferPath, { "content-length": "0" }],
    [400, "REQUEST_INVALID", `${inferPath}?key=secret`],
  ];
  for (const [status, code, path, more = {}, method] of cases) {
    const socket = await openSocket(server.listener.port);
    socket.write(handshake(path, more, method));
    const [head] = await once(socket, "data");
    const text = String(head);
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `), path);
    assert.match(text, /sec-websocket-version: 13\r\n/i);
    assert.ok(text.includes(`"code":"${code}"`), text);
    assert.ok(!text.includes("secret"), text);
    socket.destroy();
  }
  assert.equal(server.instruments.value("connectionErrors", { cause: "origin_refused" }), 2);
  const hosts = await openSocket(server.listener.port);
  hosts.write(handshake(inferPath).replace("\r\n", "\r\nhost: other\r\n"));
  assert.match(await received(hosts), /^HTTP\/1\.1 400 /);
  // The extension is not accepted, whoever offers it; another sub-protocol may be offered beside ours.
  const offers = {
    "sec-websocket-extensions": "permessage-deflate",
    "sec-websocket-protocol": "other, cupel.grpc.v1",
    origin: "https://app.example",
  };
  const taken = await openSocket(server.listener.port);
  taken.write(handshake(`http://127.0.0.1${inferPath}`, offers));
  const [answer] = await once(taken, "data");
  assert.match(String(answer), /^HTTP\/1\.1 101 [\s\S]*Sec-WebSocket-Protocol: cupel\.grpc\.v1\r\n/);
  assert.doesNotMatch(String(answer), /extensions/i);
  taken.destroy();
});

test("a request that would go on as something else is answered as it is, and HTTP/2 opens no WebSocket", async () => {
  await using server = await openFace();
  const h2c = await openSocket(server.listener.port);
  h2c.write(
    "GET /v2 HTTP/1.1\r\nhost: a\r\nconnection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n",
  );
  assert.match(await received(h2c), /^HTTP\/1\.1 404 /);
  const session = connect(server.listener.url);
  session.on("error", () => {});
  await once(session, "remoteSettings");
  assert.notEqual(session.remoteSettings.enableConnectProtocol, true);
  const stream = session.request({
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":path": inferPath,
    ":scheme": "http",
    ":authority": "a",
  });
  stream.on("response", ({ ":status": status }) => assert.ok(Number(status) >= 400));
  stream.on("error", () => {});
  await new Promise((resolve) => stream.once("close", resolve));
  session.close();
  const after = await openHttp2(server.listener.url);
  assert.equal((await get2(after, "/v2")).status, 404);
  after.close();
});

test("frames that are none end the call with a code of the socket, and the reason in the trailers", async () => {
  await using server = await openFace();
  const url = server.url + streamPath;
  const cases: readonly (readonly [number, ...Buffer[]])[] = [
    [1002, framed(0, "{}")],
    [1002, headers(), framed(2)],
    [1002, headers(), headers()],
    [1002, headers(), endOfStream, endOfStream],
    [1002, framed(0x80, "No: header\r\n")],
    [1009, framed(0x80, "x".repeat(20_000))],
  ];
  for (const [close, ...parts] of cases) {
    const answered = await ask(url, ...parts);
    const code = close === 1009 ? "BODY_TOO_LARGE" : "REQUEST_INVALID";
    // What was over before the frame came is over well.
    const isOver = answered.status === 0 && parts[1] === endOfStream;
    if (!isOver) assert.deepEqual([answered.close, answered.reason], [close, code]);
  }
  const text = await new RawStream(url).open();
  text.socket.send(headers().toString("latin1"));
  const { reason, close } = await text.answered();
  assert.deepEqual([close, reason], [1003, "REQUEST_INVALID"]);
  // In the middle of a call: what it computes is given up.
  const busy = await new RawStream(url).open();
  busy.send(headers(), message(request("wait")));
  await until(() => server.echo.waiting === 1);
  busy.socket.send("text");
  assert.equal((await busy.answered()).close, 1003);
  await until(() => server.state.open === 0);
  const large = await new RawStream(url).open();
  large.socket.send(Buffer.alloc((1 << 20) + 1));
  assert.equal(await large.closeCode, 1009);
  const half = await new RawStream(url).open();
  half.send(headers(), message(request("echo")).subarray(0, 9));
  half.socket.close();
  await half.closeCode;
  await until(() => server.state.open === 0);
});

test("what breaks the rules of WebSocket is closed: no mask, reserved bits, pieces without end", async () => {
  await using server = await openFace();
  const flood = Array.from({ length: 1100 }, (_, i) =>
    wire(i === 0 ? 2 : 0, Buffer.of(0x80), { isFinal: false }),
  );
  const cases: readonly (readonly [number, Buffer])[] = [
    [1002, wire(2, headers(), { isMasked: false })],
    [1002, wire(2 | 0x40, headers())],
    [1002, wire(3, headers())],
    [1002, wire(9, headers(), { isFinal: false })],
    [1008, Buffer.concat(flood)],
  ];
  for (const [code, bytes] of cases) {
    const socket = await opened(server.listener.port);
    const answer = received(socket);
    socket.write(bytes);
    const closed = Buffer.from(await answer, "latin1");
    assert.deepEqual([closed[0], closed.readUInt16BE(2)], [0x88, code]);
  }
  // Frames right behind the request, in the same segment.
  const quick = await openSocket(server.listener.port);
  const call = Buffer.concat([headers(), message(request("echo"))]);
  quick.write(Buffer.concat([Buffer.from(handshake(inferPath)), wire(2, call), wire(2, endOfStream)]));
  let told = "";
  quick.on("data", (chunk) => (told += chunk.toString("latin1")));
  await until(() => told.includes("grpc-status: 0"));
  quick.destroy();
  // Reset before, while and after it becomes a WebSocket: nobody listens to the socket but us.
  for (const bytes of [handshake(inferPath), handshake("/v2"), `${handshake(inferPath)}\0`]) {
    for (let i = 0; i < 20; i++) {
      const socket = await openSocket(server.listener.port);
      socket.on("error", () => {});
      socket.write(bytes);
      if (i % 2) await new Promise((resolve) => setImmediate(resolve));
      socket.resetAndDestroy();
    }
  }
  await until(() => server.instruments.value("openConnections") === 0);
});

test("who does not send its headers, its request or an answer to a ping in time is closed and counted", async () => {
  await using server = await openFace({ pingMs: 150, limits: { headersMs: 100, requestMs: 100 } });
  const silent = await (await new RawStream(server.url + inferPath).open()).answered();
  assert.deepEqual([silent.status, silent.reason, silent.close], [3, "REQUEST_INVALID", 1008]);
  const half = await new RawStream(server.url + inferPath).open();
  half.send(headers());
  const cut = await half.answered();
  assert.deepEqual([cut.status, cut.reason, cut.close], [3, "REQUEST_INVALID", 1008]);
  const count = (cause: string) => server.instruments.value("connectionErrors", { cause });
  assert.deepEqual([count("header_timeout"), count("request_timeout")], [1, 1]);
  // A stream may be quiet for long: this one answers pings, and the next does not.
  const quiet = await new RawStream(server.url + streamPath).open();
  quiet.send(headers());
  const gone = await opened(server.listener.port, streamPath);
  gone.write(wire(2, headers()));
  gone.resume();
  await once(gone, "end");
  gone.destroy();
  assert.equal(count("stalled"), 1);
  quiet.send(message(request("echo")), endOfStream);
  assert.equal((await quiet.answered()).status, 0);
});

test("sockets count as connections, one call each: more than the limit are closed, and the others go on", async () => {
  const limits = { connections: 40, connectionsPerAddress: 30 };
  await using server = await openFace({}, { limits });
  const sockets = await Promise.all(
    Array.from({ length: 400 }, async () => {
      const stream = new RawStream(server.url + inferPath);
      const isOpen = await Promise.race([
        new Promise<true>((resolve) => stream.socket.once("open", () => resolve(true))),
        stream.closeCode.then(() => false),
      ]);
      return { stream, isOpen };
    }),
  );
  const open = sockets.filter(({ isOpen }) => isOpen);
  assert.equal(open.length, 30);
  assert.equal(server.instruments.value("openConnections"), 30);
  const [first, ...others] = open;
  first?.stream.send(headers(json), message(request("echo")), endOfStream);
  assert.equal((await first?.stream.answered())?.status, 0);
  for (const { stream } of others) stream.socket.terminate();
  await until(() => server.instruments.value("openConnections") === 0);
});
