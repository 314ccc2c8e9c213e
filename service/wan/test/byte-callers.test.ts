/** Callers of bytes: what @cupel/client sends is what they send, and a failure behind status 200 is one. */
import assert from "node:assert/strict";
import { createServer as createHttp1Server } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { openHttpCaller, type Success } from "../src/face/http-caller.ts";
import { recordCall } from "../src/face/recorded-call.ts";
import { CallFailure } from "../src/load/outcome.ts";
import { listening } from "./support/listening.ts";

const call = { model: "echo", input: "x", bytes: 1200 };

for (const [face, http, path, type] of [
  ["grpc", 2, "/inference.GRPCInferenceService/ModelInfer", "application/grpc"],
  ["grpc-web", 2, "/inference.GRPCInferenceService/ModelInfer", "application/grpc-web"],
  ["connect", 2, "/inference.GRPCInferenceService/ModelInfer", "application/proto"],
  ["graphql", 1, "/graphql", "application/json"],
] as const) {
  test(`${face} is recorded as the client sends it`, async () => {
    const recorded = await recordCall(face, http, call, 5_000);
    assert.equal(recorded.path, path);
    assert.match(recorded.headers["content-type"] ?? "", new RegExp(`^${type}`));
    assert.deepEqual(
      Object.keys(recorded.headers).filter((name) => name.startsWith(":") || name === "host"),
      [],
    );
    const { length } = recorded.body;
    assert.ok(length > 1200 && length < 2500, `${length} bytes`);
    // The frame of gRPC says how long its message is.
    if (face.startsWith("grpc")) assert.equal(Buffer.from(recorded.body).readUInt32BE(1), length - 5);
    assert.deepEqual((await recordCall(face, http, call, 5_000)).body.length, length);
  });
}

/** An answer of status 200 for each way to succeed: a good one, and one that tells of a failure. */
const answers: Readonly<Record<Exclude<Success, "status">, Readonly<Record<"good" | "bad", Answering>>>> = {
  grpc: {
    good: { body: "x".repeat(1300), trailers: { "grpc-status": "0" } },
    bad: { body: "", trailers: { "grpc-status": "8", "grpc-message": "full" } },
  },
  "grpc-web": {
    good: { body: `${"x".repeat(1300)}\x80\0\0\0\x10grpc-status: 0\r\n` },
    bad: { body: "\x80\0\0\0\x20grpc-status: 8\r\ngrpc-message: full\r\n" },
  },
  graphql: {
    good: { body: `{"data":{"infer":[${"1,".repeat(600)}1]}}` },
    bad: { body: '{"data":null,"errors":[{"message":"full"}]}' },
  },
};

interface Answering {
  readonly body: string;
  readonly trailers?: Readonly<Record<string, string>>;
}

for (const [success, { good, bad }] of Object.entries(answers) as [Success, (typeof answers)["grpc"]][]) {
  test(`${success}: a failure behind status 200 is no answer`, async () => {
    let told = good;
    await using server = await listening(
      success === "graphql"
        ? createHttp1Server(async (asked, answer) => {
            await buffer(asked);
            answer.end(told.body);
          })
        : createHttp2Server().on("stream", (stream: ServerHttp2Stream) => {
            stream.resume();
            stream.respond({ ":status": 200 }, { waitForTrailers: true });
            stream.on("wantTrailers", () => stream.sendTrailers({ ...told.trailers }));
            stream.end(Buffer.from(told.body, "latin1"));
          }),
    );
    using caller = openHttpCaller(
      {
        url: `http://127.0.0.1:${server.port}/`,
        method: "POST",
        headers: {},
        body: Buffer.from("asked"),
        success,
      },
      { policy: { http: success === "graphql" ? 1 : 2, connections: 1 }, deadlineMs: 5_000 },
    );
    await caller.call(() => {});
    told = bad;
    await assert.rejects(
      caller.call(() => {}),
      (thrown: unknown) => thrown instanceof CallFailure && thrown.outcome === "status",
    );
  });
}
