/** Clients that leave, deadlines, and the times an answer tells, on HTTP/1.1 and HTTP/2. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connect2, constants } from "node:http2";
import { connect } from "node:net";
import { test } from "node:test";
import { baseErrors } from "@cupel/base";
import type { Call } from "@cupel/serve";
import { openAdmission } from "../support/open-admission.ts";
import { echo, infer, serve } from "./support.ts";

const body = JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype: "FP32", data: [1] }] });

/** Answers nothing; tells when a request came and when its signal fired. */
function waiting() {
  const came = Promise.withResolvers<Call>();
  const left = Promise.withResolvers<unknown>();
  const service = echo({
    infer: (_request, call) => {
      came.resolve(call);
      const { signal } = call;
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          left.resolve(signal.reason);
          reject(signal.reason);
        });
      });
    },
  });
  return { came: came.promise, left: left.promise, service };
}

const head = `POST /v2/models/echo/infer HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;

test("a client that closes or ends its connection takes its request with it", async () => {
  for (const leave of ["destroy", "end"] as const) {
    const { came, left, service } = waiting();
    await using served = await serve({ service });
    const socket = connect(served.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(head + body);
    await came;
    socket[leave]();
    const reason = await left;
    assert.ok(reason instanceof Error && reason.name === "AbortError", leave);
    socket.destroy();
  }
});

test("a client that leaves in the middle of its body is not waited for", async () => {
  const admitted = Promise.withResolvers<AbortSignal>();
  const admission = {
    async admit(arrival: Parameters<typeof openAdmission.admit>[0]) {
      const call = await openAdmission.admit(arrival);
      admitted.resolve(call.signal);
      return call;
    },
  };
  await using served = await serve({ admission });
  const socket = connect(served.port, "127.0.0.1");
  socket.write(head + body.slice(0, 5));
  const signal = await admitted.promise;
  socket.destroy();
  if (!signal.aborted) await once(signal, "abort");
});

test("a stream that is reset takes its request with it, and no other", async () => {
  const { came, left, service } = waiting();
  await using served = await serve({ service });
  const session = connect2(`http://127.0.0.1:${served.port2}`);
  const stream = session.request({ ":path": "/v2/models/echo/infer", ":method": "POST" });
  stream.on("error", () => {});
  stream.end(body);
  await came;
  stream.close(constants.NGHTTP2_CANCEL);
  const reason = await left;
  assert.ok(reason instanceof Error && reason.name === "AbortError");
  const other = session.request({ ":path": "/v2" });
  const [{ ":status": status }] = await once(other, "response");
  assert.equal(status, 200);
  other.resume();
  session.close();
});

test("a request that is answered leaves nothing on a connection that is kept", async () => {
  await using served = await serve();
  const warnings: Error[] = [];
  const warn = (warning: Error) => warnings.push(warning);
  process.on("warning", warn);
  const socket = connect(served.port, "127.0.0.1").setEncoding("utf8");
  let seen = "";
  socket.on("data", (text: string) => {
    seen += text;
  });
  for (let asked = 1; asked <= 12; asked++) {
    socket.write(head + body);
    while (seen.split("HTTP/1.1 200").length - 1 < asked) await once(socket, "data");
  }
  socket.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", warn);
  assert.deepEqual(warnings, [], "no listener is left behind");
});

test("a deadline is the header's, and is told apart from leaving", async () => {
  const { service } = waiting();
  await using served = await serve({ service });
  const { status, text } = await infer(served.url, body, { "cupel-timeout-ms": "20" });
  assert.equal(status, 504);
  assert.match(text, /"code":"DEADLINE_EXCEEDED"/);
  for (const wrong of ["0", "-1", "1.5", "soon", "99999999"]) {
    assert.equal((await infer(served.url, body, { "cupel-timeout-ms": wrong })).status, 400, wrong);
  }
});

test("an answer says where its time went when it is asked to", async () => {
  const plain = echo();
  const service = echo({
    infer(request, call) {
      call.times.queue = 1.5;
      return plain.infer(request, call);
    },
  });
  await using served = await serve({ service });
  const { headers } = await infer(served.url, body, { "cupel-timing": "1" });
  assert.match(
    headers.get("server-timing") ?? "",
    /^decode;dur=[\d.]+, queue;dur=1\.500, encode;dur=[\d.]+$/,
  );
  assert.equal((await infer(served.url, body)).headers.get("server-timing"), null);
});

test("who is refused at the door is answered before the body is read, and the record learns of bad bodies", async () => {
  const failed: unknown[] = [];
  let isOpen = false;
  const admission = {
    async admit(arrival: Parameters<typeof openAdmission.admit>[0]) {
      if (!isOpen) throw baseErrors.error("CANCELLED", "Not now.");
      const call = await openAdmission.admit(arrival);
      return { ...call, failed: (error: unknown) => failed.push(error), [Symbol.dispose]() {} };
    },
  };
  await using served = await serve({ admission });
  const socket = connect(served.port, "127.0.0.1").setEncoding("utf8");
  socket.write(head);
  const [text] = await once(socket, "data");
  assert.match(text, /^HTTP\/1\.1 499/);
  socket.destroy();
  isOpen = true;
  assert.equal((await infer(served.url, "{")).status, 400);
  assert.deepEqual(
    failed.map((error) => error instanceof Error && "code" in error && error.code),
    ["REQUEST_INVALID"],
  );
});
