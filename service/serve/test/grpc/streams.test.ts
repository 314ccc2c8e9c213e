/** ModelStreamInfer and what else goes on for long, by another's client. */
import assert from "node:assert/strict";
import { connect } from "node:http2";
import { test } from "node:test";
import type { ServiceError } from "@grpc/grpc-js";
import { type Message, PeerError } from "../support/grpc-peer.ts";
import { inference, one, openFace, streamInfer, until } from "./open-face.ts";

test("a stream answers in the order of its requests, some at once; a failure is in its message and the stream goes on", async () => {
  await using server = await openFace({ streamConcurrency: 3 });
  const stream = server.peer.stream(streamInfer);
  const models = ["wait", "echo", "none", "wait", "echo"];
  for (const [index, model] of models.entries()) stream.write(one(model, `r${index}`));
  stream.end();
  await until(() => server.echo.requests.length === 3);
  server.echo.release[0]?.();
  await until(() => server.echo.requests.length === 5);
  server.echo.release[1]?.();
  const answers: Message[] = [];
  for await (const each of stream) answers.push(each as Message);
  assert.deepEqual(
    answers.map(({ infer_response: response, error_message: error }) => [(response as Message).id, error]),
    [
      ["r0", ""],
      ["r1", ""],
      ["r2", 'MODEL_UNKNOWN: There is no model "none", 100 % sure; naïve 模型.'],
      ["r3", ""],
      ["r4", ""],
    ],
  );
  assert.equal(server.echo.requests.length, 5);
});

test("a stream is cancelled with its requests; a stopping server finishes what it read and ends the stream", async () => {
  await using server = await openFace();
  const cancelled = server.peer.stream(streamInfer);
  cancelled.on("error", () => {});
  cancelled.write(one("wait"));
  await until(() => server.echo.waiting === 1);
  cancelled.cancel();
  await until(() => server.echo.waiting === 0 && server.state.open === 0);
  assert.deepEqual(server.state.failures, ["CANCELLED"]);

  const stream = server.peer.stream(streamInfer);
  stream.write(one("wait", "last"));
  await until(() => server.echo.waiting === 1);
  const watch = server.peer.stream("grpc.health.v1.Health/Watch");
  watch.write({});
  watch.end();
  const states: Message[] = [];
  watch.on("data", (state) => states.push(state));
  await until(() => states.length === 1);
  const closed = server.listener.close();
  server.echo.release[1]?.();
  const answers: Message[] = [];
  const ended = await (async () => {
    for await (const each of stream) answers.push(each as Message);
  })().catch((thrown: ServiceError) => new PeerError(thrown));
  assert.equal(answers.length, 1);
  assert.ok(ended instanceof PeerError);
  assert.deepEqual([ended.status, ended.reason, ended.retryMs], [14, "SERVER_STOPPING", 1000]);
  await closed;
  assert.deepEqual(server.state.failures, ["CANCELLED", "SERVER_STOPPING"]);
  assert.deepEqual(states, [{ status: "SERVING" }, { status: "NOT_SERVING" }]);
});

test("a stream whose client waits past its deadline ends then, though the client does not end it", async () => {
  await using server = await openFace();
  await server.peer.call(`${inference}/ServerLive`);
  const frame = Buffer.from(JSON.stringify({ modelName: "echo" }));
  const head = Buffer.from([0, 0, 0, 0, frame.length]);
  for (const path of [streamInfer, "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"]) {
    // Another's client would leave by itself.
    const session = connect(`http://127.0.0.1:${server.listener.port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": `/${path}`,
      "content-type": "application/grpc+json",
      "grpc-timeout": "200m",
      te: "trailers",
    });
    if (path === streamInfer) stream.write(Buffer.concat([head, frame]));
    stream.resume();
    const status = await new Promise((resolve) => {
      stream.on("response", (headers) => headers["grpc-status"] && resolve(headers["grpc-status"]));
      stream.on("trailers", (trailers) => resolve(trailers["grpc-status"]));
    });
    assert.equal(status, "4", path);
    session.close();
  }
  await until(() => server.state.open === 0);
  assert.deepEqual(server.state.failures, ["DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"]);
});
