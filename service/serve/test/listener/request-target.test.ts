/** Targets and hosts of HTTP/1.1 as RFC 9112 has them (sections 3.2, 3.2.2), where Node's parser leaves them to us. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { listen } from "../../src/listener/listen.ts";
import { originForm } from "../../src/listener/request-target.ts";
import { CountingInstruments } from "../support/counting-instruments.ts";
import { openSocket, received } from "../support/http-client.ts";

test("a target with scheme and authority is the path after them", () => {
  for (const [target, path] of [
    ["/v2?a=http://b/c", "/v2?a=http://b/c"],
    ["http://example.org/v2?a", "/v2?a"],
    ["HTTPS://u@[::1]:80/v2", "/v2"],
    ["http://example.org", "/"],
    ["http://example.org?a", "/?a"],
    ["*", "*"],
  ] as const) {
    assert.equal(originForm(target), path);
  }
});

test("a proxy's form of a request is answered as the plain one; two hosts or none are refused and counted", async () => {
  const instruments = new CountingInstruments();
  await using listener = await listen({
    faces: [
      {
        takes: () => true,
        handle: ({ url }, response) => void response.end(`at ${url}`),
        async [Symbol.asyncDispose]() {},
      },
    ],
    port: 0,
    instruments,
    onError: (error) => assert.fail(String(error)),
  });
  const send = async (head: string) => {
    const socket = await openSocket(listener.port);
    socket.write(`${head}\r\nconnection: close\r\n\r\n`);
    return await received(socket);
  };
  assert.match(await send("GET http://a:1/v2?b HTTP/1.1\r\nhost: a:1"), /^HTTP\/1\.1 200 [\s\S]*at \/v2\?b$/);
  const refused =
    /^HTTP\/1\.1 400 [\s\S]*content-type: application\/problem\+json\r\n[\s\S]*"instance":"\/v2","code":"REQUEST_INVALID"[^}]*}$/i;
  for (const hosts of ["host: a\r\nHost: b", "host: a\r\nx: 1\r\nhost: a"]) {
    assert.match(await send(`GET /v2 HTTP/1.1\r\n${hosts}`), refused);
  }
  assert.match(await send("GET /v2?key=secret HTTP/1.1"), refused);
  // One that was refused ends its connection: what follows may be meant for somebody else.
  const socket = await openSocket(listener.port);
  socket.write("GET /v2 HTTP/1.1\r\n\r\nGET /v2 HTTP/1.1\r\nhost: a\r\n\r\n");
  assert.match(await received(socket), refused);
  assert.equal(instruments.value("connectionErrors", { cause: "protocol_error" }), 4);
  assert.match(await send("GET /v2 HTTP/1.0"), /^HTTP\/1\.1 200 /);
});
