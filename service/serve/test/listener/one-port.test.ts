/** One port: which protocol a connection speaks, who answers, and what is refused. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request as request1 } from "node:http";
import { constants } from "node:http2";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Face } from "../../src/core/face.ts";
import { preface, protocolOf } from "../../src/listener/first-bytes.ts";
import { type Listener, type ListenOptions, listen } from "../../src/listener/listen.ts";
import { CountingInstruments } from "../support/counting-instruments.ts";
import { get2, openHttp2, openSocket, received } from "../support/http-client.ts";
import { goawayCodes, resetRequests } from "../support/http2-frames.ts";

/** Answers "/x" with its version of HTTP, "/wait" when it is released, and "/echo" with the length of the body. */
function echoFace(released: Promise<void> = Promise.resolve()): Face {
  return {
    takes: ({ url }) => url !== "/nobody",
    handle: async (request, response) => {
      if (request.url === "/throw") throw new Error("a defect");
      if (request.url === "/wait") await released;
      if (request.url === "/echo") {
        let length = 0;
        try {
          for await (const chunk of request) length += chunk.length;
        } catch {
          return;
        }
        response.end(`${length}`);
      } else response.end(`HTTP ${request.httpVersion}`);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function open(options: Partial<ListenOptions> = {}) {
  const instruments = new CountingInstruments();
  const errors: unknown[] = [];
  const listener = await listen({
    faces: [echoFace()],
    port: 0,
    instruments,
    onError: (error) => errors.push(error),
    ...options,
  });
  return { listener, instruments, errors };
}

/** Waits until a count is reached: how soon depends on the machine. */
async function until(reached: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !reached(); i++) await delay(10);
  assert.ok(reached());
}

async function get1({ port }: Listener, path: string): Promise<{ status: number | undefined; body: string }> {
  const sent = request1({ port, host: "127.0.0.1", path, agent: false }).end();
  const [response] = await once(sent, "response");
  return { status: response.statusCode, body: await text(response) };
}

test("the first bytes say the protocol as soon as they can", () => {
  const rows = [
    ["", null],
    ["P", null],
    ["PO", "http1"],
    ["PRI * HTTP/1.1", "http1"],
    [preface.slice(0, 23), null],
    [preface, "http2"],
    [`${preface}more`, "http2"],
    ["GET / HTTP/1.1", "http1"],
    ["\x16\x03\x01", "tls"],
    ["\0", "http1"],
  ] as const;
  for (const [bytes, protocol] of rows) {
    assert.equal(protocolOf(Buffer.from(bytes, "latin1")), protocol, JSON.stringify(bytes));
  }
});

test("HTTP/1.1 and HTTP/2 in cleartext come to one port", async () => {
  const { listener, instruments } = await open();
  await using _ = listener;
  assert.deepEqual(await get1(listener, "/"), { status: 200, body: "HTTP 1.1" });
  const session = await openHttp2(listener.url);
  assert.deepEqual(await get2(session, "/"), { status: 200, body: "HTTP 2.0" });
  const { initialWindowSize, maxConcurrentStreams } = session.remoteSettings;
  assert.deepEqual(
    { initialWindowSize, maxConcurrentStreams },
    { initialWindowSize: 1 << 20, maxConcurrentStreams: 128 },
  );
  assert.equal(session.state.remoteWindowSize, 16 << 20);
  assert.equal(instruments.value("connections", { protocol: "http1", tls: "none", alpn: "none" }), 1);
  assert.equal(instruments.value("connections", { protocol: "http2", tls: "none", alpn: "none" }), 1);
  session.close();
  await until(() => instruments.value("openConnections") === 0);
});

test("a request whose bytes come one at a time is answered, whichever protocol it is", async () => {
  const { listener } = await open();
  await using _ = listener;
  const get = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
  const emptySettings = "\0\0\0\x04\0\0\0\0\0";
  for (const [bytes, isAnswer] of [
    [get, (answer: string) => answer.endsWith("HTTP 1.1")],
    // The server's own SETTINGS, type 4, come first.
    [`${preface}${emptySettings}`, (answer: string) => answer.charCodeAt(3) === 4],
  ] as const) {
    const socket = await openSocket(listener.port);
    const all = received(socket);
    for (const byte of bytes) {
      socket.write(byte, "latin1");
      await delay(1);
    }
    socket.end();
    assert.ok(isAnswer(await all));
  }
});

test("a request that no face takes is refused by name; a defect in a face ends neither server nor connection", async () => {
  const broken: Face = {
    ...echoFace(),
    handle() {
      throw new Error("a defect");
    },
  };
  const { listener, errors } = await open({ faces: [{ ...broken, takes: ({ url }) => url === "/broken" }] });
  await using _ = listener;
  const session = await openHttp2(listener.url);
  const unknown = await get2(session, "/nobody");
  assert.equal(unknown.status, 404);
  assert.equal(JSON.parse(unknown.body).code, "ROUTE_UNKNOWN");
  const defect = await get2(session, "/broken");
  assert.equal(defect.status, 500);
  assert.doesNotMatch(defect.body, /a defect"/);
  assert.equal(errors.length, 1);
  assert.equal((await get2(session, "/nobody")).status, 404);
  session.close();
});

test("garbage, TLS on a port without it and silence are closed and counted by cause", async () => {
  const { listener, instruments } = await open({ limits: { firstBytesMs: 50 } });
  await using _ = listener;
  const send = async (bytes: string) => {
    const socket = await openSocket(listener.port);
    socket.write(bytes, "latin1");
    return received(socket);
  };
  assert.match(await send("\0\x01\x02 garbage\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assert.equal(await send("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"), "");
  assert.equal(await send(""), "");
  assert.equal(await send("PRI * HT"), "");
  const errors = (cause: string) => instruments.value("connectionErrors", { cause });
  assert.deepEqual(
    [errors("protocol_error"), errors("tls_on_cleartext"), errors("first_bytes_timeout")],
    [1, 1, 2],
  );
});

test("headers and bodies that do not come in time, or are too large, end their request", async () => {
  const limits = { headersMs: 100, requestMs: 300, headerBytes: 2048 };
  const { listener, instruments } = await open({ limits });
  await using _ = listener;
  const answers = await Promise.all(
    [
      "GET / HTTP/1.1\r\nhost: a\r\n",
      "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nslow",
      `GET / HTTP/1.1\r\nhost: ${"a".repeat(4096)}\r\n\r\n`,
    ].map(async (bytes) => {
      const socket = await openSocket(listener.port);
      socket.write(bytes);
      return (await received(socket)).slice(9, 12);
    }),
  );
  assert.deepEqual(answers, ["408", "408", "431"]);
  const session = await openHttp2(listener.url);
  const stream = session.request({ ":path": "/echo", ":method": "POST" });
  stream.write("slow");
  await once(stream, "close");
  assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL);
  assert.equal((await get2(session, "/")).body, "HTTP 2.0");
  session.close();
  const errors = (cause: string) => instruments.value("connectionErrors", { cause });
  assert.deepEqual(
    [errors("header_timeout"), errors("request_timeout"), errors("header_too_large")],
    [1, 2, 1],
  );
});

test("one connection more than the limit is closed and counted; those that are open go on", async () => {
  const { listener, instruments } = await open({ limits: { connections: 1 } });
  await using _ = listener;
  const session = await openHttp2(listener.url);
  assert.equal(await received(await openSocket(listener.port)), "");
  assert.equal((await get2(session, "/")).status, 200);
  assert.equal(instruments.value("connectionErrors", { cause: "too_many_connections" }), 1);
  session.close();
});

test("a client that resets requests rapidly is sent away; another connection does not notice", async () => {
  const { listener, instruments } = await open();
  await using _ = listener;
  const other = await openHttp2(listener.url);
  const rapid = await openSocket(listener.port);
  const sent = received(rapid);
  rapid.write(resetRequests(1500));
  await until(() => instruments.value("connectionErrors", { cause: "rapid_reset" }) === 1);
  const codes = goawayCodes(await sent);
  assert.ok(codes.length > 0);
  assert.ok(!codes.includes(constants.NGHTTP2_NO_ERROR), `${codes}`);
  assert.equal((await get2(other, "/")).status, 200);
  other.close();
});

test("a stopping server finishes requests in hand, tells clients to go, and closes what is idle", async () => {
  const released = Promise.withResolvers<void>();
  const { listener, instruments } = await open({ faces: [echoFace(released.promise)] });
  const session = await openHttp2(listener.url);
  const idle = await openHttp2(listener.url);
  const goaway = Promise.all([once(session, "goaway"), once(idle, "goaway")]);
  const answers = [
    get2(session, "/wait").then(({ body }) => body),
    get1(listener, "/wait").then(({ body }) => body),
  ];
  const socket = await openSocket(listener.port);
  await until(() => instruments.value("openConnections") === 4);
  await delay(50);
  const closed = Promise.all([listener.close(), listener.close(), listener[Symbol.asyncDispose]()]);
  await goaway;
  await assert.rejects(openSocket(listener.port), { code: "ECONNREFUSED" });
  released.resolve();
  assert.deepEqual(await Promise.all(answers), ["HTTP 2.0", "HTTP 1.1"]);
  await closed;
  assert.equal(await received(socket), "");
  assert.equal(instruments.value("connectionErrors", { cause: "stopped" }), 0);
});

test("a request that is not done within the grace time is broken off and counted", async () => {
  const { listener, instruments } = await open({ faces: [echoFace(new Promise(() => {}))] });
  const lost = assert.rejects(get1(listener, "/wait"), { code: "ECONNRESET" });
  await until(() => instruments.value("connections", { protocol: "http1", tls: "none", alpn: "none" }) === 1);
  await listener.close(20);
  await lost;
  assert.equal(instruments.value("connectionErrors", { cause: "stopped" }), 1);
});

test("cleartext that other machines could reach is refused by name, a taken port too", async () => {
  await assert.rejects(open({ host: "0.0.0.0" }), { code: "OPTION_INVALID", message: /0\.0\.0\.0/ });
  const { listener } = await open();
  await using _ = listener;
  await assert.rejects(open({ port: listener.port }), { code: "LISTEN_FAILED", message: /another process/ });
});
