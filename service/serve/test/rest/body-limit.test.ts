/** The size of bodies: counted as they arrive and after decompression, on HTTP/1.1 and HTTP/2. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:http2";
import { test } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { openSocket } from "../support/http-client.ts";
import { echo, infer, serve } from "./support.ts";

const body = JSON.stringify({ inputs: [{ name: "x", shape: [3], datatype: "FP32", data: [1, 2, 3] }] });
const encodings = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
} as const;

test("bodies may be compressed; what does not decompress, and an unknown encoding, are refused", async () => {
  await using served = await serve();
  for (const [encoding, compress] of Object.entries(encodings)) {
    const headers = { "content-encoding": encoding };
    const { status, text } = await infer(served.url, compress(body), headers);
    assert.equal(status, 200, `${encoding}: ${text}`);
    assert.match(text, /"data":\[1,2,3\]/);
    assert.equal((await infer(served.url, compress(body).subarray(0, -9), headers)).status, 400, encoding);
    assert.equal((await infer(served.url, body, headers)).status, 400, encoding);
  }
  const unknown = await infer(served.url, body, { "content-encoding": "lzma" });
  assert.equal(unknown.status, 415);
  assert.match(unknown.text, /zstd/);
});

test("a body over the limit is refused by the setting's name, plain, chunked and compressed", async () => {
  await using served = await serve({ bodyLimit: 1000 });
  const large = Buffer.from(body.padEnd(1001));
  const exact = await infer(served.url, Buffer.from(body.padEnd(1000)));
  assert.equal(exact.status, 200);
  const answers = [await infer(served.url, large)];
  for (const [encoding, compress] of Object.entries(encodings)) {
    answers.push(await infer(served.url, compress(large), { "content-encoding": encoding }));
  }
  // A bomb: a thousandth of its size arrives.
  answers.push(await infer(served.url, gzipSync(Buffer.alloc(500_000)), { "content-encoding": "gzip" }));
  for (const { status, text } of answers) {
    assert.equal(status, 413, text);
    const problem = JSON.parse(text);
    assert.equal(problem.code, "BODY_TOO_LARGE");
    assert.equal(problem.setting, "limits.bodyLimit");
    assert.equal(problem.limit, 1000);
  }
  assert.equal(JSON.parse(answers[0]?.text ?? "").size, 1001);
});

test("the connection of a compressed body that was refused in its midst takes the next request", async () => {
  await using served = await serve({ bodyLimit: 2 ** 22 });
  // Decompression is slower than the socket, so that the request is held back when the limit is met.
  const bomb = Buffer.concat(Array(200).fill(gzipSync(Buffer.alloc(2 ** 20))));
  for (const sentBefore of [10_000, 70_000, bomb.length - 10_000]) {
    const socket = await openSocket(served.port);
    const statuses = async (count: number) => {
      const signal = AbortSignal.timeout(20_000);
      while ([...answers.matchAll(statusLine)].length < count) await once(socket, "data", { signal });
      return [...answers.matchAll(statusLine)].map(([, status]) => status);
    };
    let answers = "";
    socket.on("data", (chunk) => (answers += chunk.toString("latin1")));
    socket.write(
      `POST /v2/models/echo/infer HTTP/1.1\r\nhost: a\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`,
    );
    socket.write(bomb.subarray(0, sentBefore));
    assert.deepEqual(await statuses(1), ["413"]);
    socket.write(bomb.subarray(sentBefore));
    socket.write("GET /v2/health/live HTTP/1.1\r\nhost: a\r\n\r\n");
    assert.deepEqual(await statuses(2), ["413", "200"]);
    socket.destroy();
  }
});

const statusLine = /HTTP\/1\.1 (\d+) /g;

/** A request whose body goes on until it is answered; how many bytes went, and the status. */
async function sendWithoutEnd(port: number, method: string, headers: Record<string, string>) {
  const sent = httpRequest({ port, host: "127.0.0.1", method, path: "/v2/models/echo/infer", headers });
  const chunk = Buffer.alloc(65_536);
  let bytes = 0;
  let isAnswered = false;
  const answered = once(sent, "response").then(([response]) => {
    isAnswered = true;
    return response;
  });
  // The connection ends under what is still being sent.
  sent.on("error", () => {});
  while (!isAnswered && bytes < 100 * 2 ** 20) {
    bytes += chunk.length;
    if (!sent.write(chunk)) await Promise.race([once(sent, "drain"), answered, once(sent, "close")]);
  }
  const response = await answered;
  let text = "";
  for await (const part of response) text += part;
  sent.destroy();
  return { status: response.statusCode, text, bytes };
}

test("a huge body is answered while it is still being sent, and not read to its end", async () => {
  await using served = await serve({ bodyLimit: 100_000 });
  const stated = { "content-length": String(100 * 2 ** 20) };
  const chunked = { "transfer-encoding": "chunked" };
  for (const headers of [stated, chunked]) {
    const get = await sendWithoutEnd(served.port, "GET", headers);
    assert.equal(get.status, 405, "the path takes POST only");
    const post = await sendWithoutEnd(served.port, "POST", headers);
    assert.equal(post.status, 413, post.text);
    for (const { bytes } of [get, post]) assert.ok(bytes < 50 * 2 ** 20, `${bytes} bytes went`);
  }
  const fetched = httpRequest({
    port: served.port,
    host: "127.0.0.1",
    path: "/v2",
    method: "GET",
    headers: stated,
  });
  fetched.on("error", () => {});
  fetched.flushHeaders();
  const [response] = await once(fetched, "response");
  assert.equal(response.statusCode, 400);
  fetched.destroy();
});

test("over HTTP/2 a huge body ends its stream alone", async () => {
  await using served = await serve({ service: echo(), bodyLimit: 100_000 });
  const session = connect(`http://127.0.0.1:${served.port2}`);
  const ask = async (path: string, method: string, content: Buffer | null) => {
    const stream = session.request({ ":path": path, ":method": method }, { endStream: content === null });
    stream.on("error", () => {});
    const headers = once(stream, "response");
    if (content) stream.end(content);
    const [{ ":status": status }] = await headers;
    let text = "";
    stream.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    await once(stream, "close");
    return { status, text };
  };
  const large = await ask("/v2/models/echo/infer", "POST", Buffer.alloc(2 ** 20));
  assert.equal(large.status, 413);
  assert.match(large.text, /BODY_TOO_LARGE/);
  const small = await ask("/v2/models/echo/infer", "POST", Buffer.from(body));
  assert.equal(small.status, 200);
  assert.match(small.text, /"data":\[1,2,3\]/);
  assert.equal((await ask("/v2", "GET", null)).status, 200);
  session.close();
});
