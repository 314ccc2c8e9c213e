/** The gRPC face by another's client: errors, the door, deadlines, cancellation, health, reflection, metadata. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { compressionAlgorithms } from "@grpc/grpc-js";
import { ModelInferRequestSchema } from "../../src/grpc/gen/inference/inference_service_pb.ts";
import { GrpcPeer, type Message } from "../support/grpc-peer.ts";
import { openHttp2 } from "../support/http-client.ts";
import { infer, inference, one, openFace, refusal, until, within } from "./open-face.ts";

test("errors have the status of their code, the code as reason, and the time to come again; a defect says nothing", async () => {
  await using server = await openFace();
  const unknown = await refusal(server.peer.call(infer, one("none")));
  assert.deepEqual([unknown.status, unknown.reason, unknown.retryMs], [5, "MODEL_UNKNOWN", null]);
  assert.equal(unknown.message, 'There is no model "none", 100 % sure; naïve 模型.');
  const full = await refusal(server.peer.call(infer, one("full")));
  assert.deepEqual([full.status, full.reason, full.retryMs], [8, "QUEUE_LIMIT", 1500]);
  assert.equal(full.details.limit, "4");
  const broken = await refusal(server.peer.call(infer, one("broken")));
  assert.deepEqual([broken.status, broken.reason], [13, "INTERNAL"]);
  assert.doesNotMatch(broken.message, /secret/);
  const method = await refusal(server.peer.call(`${inference}/LogSettings`));
  assert.equal(method.status, 12);
  const service = await refusal(server.peer.call("no.Such/Method"));
  assert.equal(service.status, 12);
});

test("who is refused at the door is refused before the message is read; metadata reaches the door", async () => {
  await using server = await openFace();
  const wrong = { metadata: { "x-api-key": "wrong" } };
  const error = await refusal(server.peer.call(infer, one("echo"), wrong));
  assert.deepEqual([error.status, error.reason], [16, "AUTH_REQUIRED"]);
  // Far over the limit of a message, and not one: nobody looks.
  const large = await refusal(server.peer.call(infer, {}, { ...wrong, bytes: Buffer.alloc(3 << 20, 255) }));
  assert.deepEqual([large.status, large.reason], [16, "AUTH_REQUIRED"]);
  await server.peer.call(infer, one("echo"), { metadata: { "x-api-key": "right" } });
  assert.deepEqual(server.state.keys, ["wrong", "wrong", "right"]);
  assert.deepEqual(server.state.actions, ["infer", "infer", "infer"]);
});

test("a message over the limit, compressed or not, is refused by the name of the setting; one that does not parse too", async () => {
  await using server = await openFace({ bodyLimit: 100_000 });
  const large = await refusal(server.peer.call(infer, {}, { bytes: Buffer.alloc(200_000) }));
  assert.deepEqual(
    [large.status, large.reason, large.details.setting],
    [8, "BODY_TOO_LARGE", "limits.bodyLimit"],
  );
  const malformed = await refusal(server.peer.call(infer, {}, { bytes: Buffer.from([0x0a, 0xff, 0xff]) }));
  assert.deepEqual([malformed.status, malformed.reason], [3, "REQUEST_INVALID"]);
  using gzip = new GrpcPeer(server.listener.port, {
    "grpc.default_compression_algorithm": compressionAlgorithms.gzip,
  });
  const bomb = Buffer.alloc(5_000_000);
  assert.ok(gzipSync(bomb).length < 100_000);
  const bombed = await refusal(gzip.call(infer, {}, { bytes: bomb }));
  assert.deepEqual([bombed.status, bombed.reason], [8, "BODY_TOO_LARGE"]);
  // No method was called, and the record is told all the same.
  await until(() => server.state.open === 0);
  assert.deepEqual(server.state.failures, ["BODY_TOO_LARGE", "REQUEST_INVALID", "BODY_TOO_LARGE"]);
});

test("who compresses is answered compressed, who does not is not; a bomb and what does not decompress are refused", async () => {
  await using server = await openFace({ bodyLimit: 100_000 });
  const session = await openHttp2(server.listener.url);
  const ask = async (path: string, encoding: string | null, message = Buffer.alloc(0)) => {
    const answered = Promise.withResolvers<unknown>();
    const ended = Promise.withResolvers<unknown>();
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      "grpc-accept-encoding": encoding === null ? "identity,gzip,br" : `identity,${encoding}`,
      ...(encoding === null ? {} : { "grpc-encoding": encoding }),
    });
    stream.on("response", (headers) => answered.resolve(headers["grpc-encoding"]));
    stream.on("trailers", (trailers) => ended.resolve(trailers["grpc-status"]));
    const frame = Buffer.alloc(5);
    frame[0] = message.length > 0 ? 1 : 0;
    frame.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([frame, message]));
    stream.resume();
    return [await answered.promise, await ended.promise];
  };
  const live = `/${inference}/ServerLive`;
  assert.deepEqual(await ask(live, null), [undefined, "0"]);
  for (const [encoding, compress] of [
    ["gzip", gzipSync],
    ["br", brotliCompressSync],
  ] as const) {
    assert.deepEqual(await ask(live, encoding), [encoding, "0"]);
    const request = create(ModelInferRequestSchema, { modelName: "echo" });
    const packed = compress(toBinary(ModelInferRequestSchema, request));
    assert.deepEqual(await ask(`/${infer}`, encoding, packed), [encoding, "0"]);
    assert.deepEqual((await ask(`/${infer}`, encoding, compress(Buffer.alloc(50_000_000))))[1], "8");
    assert.deepEqual((await ask(`/${infer}`, encoding, packed.subarray(0, -3)))[1], "3");
    assert.deepEqual((await ask(`/${infer}`, encoding, Buffer.from("It is not compressed.")))[1], "3");
  }
  const refusals = ["BODY_TOO_LARGE", "REQUEST_INVALID", "REQUEST_INVALID"];
  assert.deepEqual(server.state.failures, [...refusals, ...refusals]);
  session.close();
});

test("a deadline and a client that leaves reach the call and are told apart", async () => {
  await using server = await openFace();
  // The connection is there before the time begins.
  await server.peer.call(`${inference}/ServerLive`);
  const late = await refusal(server.peer.call(infer, one("wait"), { timeoutMs: 150 }));
  assert.equal(late.status, 4);
  await until(() => server.echo.waiting === 0);
  const reason: unknown = server.echo.calls[0]?.signal.reason;
  assert.ok(reason instanceof Error && reason.name === "TimeoutError");
  const leaver = new AbortController();
  const left = refusal(server.peer.call(infer, one("wait"), { signal: leaver.signal }));
  await until(() => server.echo.waiting === 1);
  leaver.abort();
  assert.equal((await left).status, 1);
  await until(() => server.echo.waiting === 0);
  const why: unknown = server.echo.calls[1]?.signal.reason;
  assert.ok(!(why instanceof Error && why.name === "TimeoutError"));
  await until(() => server.state.open === 0);
  assert.deepEqual(server.state.failures, ["DEADLINE_EXCEEDED", "CANCELLED"]);
});

test("health is told of the server and of its services; a state is watched", async () => {
  await using server = await openFace();
  const check = (service: string) => server.peer.call("grpc.health.v1.Health/Check", { service });
  assert.deepEqual(await check(""), { status: "SERVING" });
  assert.deepEqual(await check(inference), { status: "SERVING" });
  const unknown = await refusal(check("no.Such"));
  assert.deepEqual([unknown.status, unknown.reason], [5, "SERVICE_UNKNOWN"]);
  const watch = server.peer.stream("grpc.health.v1.Health/Watch");
  watch.on("error", () => {});
  watch.write({ service: inference });
  watch.end();
  const states: Message[] = [];
  watch.on("data", (state) => states.push(state));
  await until(() => states.length === 1);
  server.echo.ready = false;
  await until(() => states.length === 2);
  assert.deepEqual(states, [{ status: "SERVING" }, { status: "NOT_SERVING" }]);
  assert.deepEqual(await check(""), { status: "NOT_SERVING" });
  watch.cancel();
});

for (const version of ["v1", "v1alpha"]) {
  test(`reflection ${version} lists the services and tells the files of a symbol, imports included`, async () => {
    await using server = await openFace();
    const stream = server.peer.stream(`grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`);
    stream.write({ list_services: "" });
    stream.write({ file_containing_symbol: `${inference}.ModelConfig` });
    stream.write({ file_by_filename: "grpc/health/v1/health.proto" });
    stream.write({ file_containing_symbol: "no.Such" });
    stream.end();
    const answers: Message[] = [];
    for await (const each of stream) answers.push(each as Message);
    const [services, symbol, file, unknown] = answers;
    assert.deepEqual(services?.list_services_response, {
      service: [
        { name: "cupel.v1.VisionService" },
        { name: "grpc.health.v1.Health" },
        { name: "grpc.reflection.v1.ServerReflection" },
        { name: "grpc.reflection.v1alpha.ServerReflection" },
        { name: inference },
      ],
    });
    const filesOf = (answer: Message | undefined) =>
      (within(answer, "file_descriptor_response").file_descriptor_proto as Uint8Array[]).map(
        (bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name,
      );
    assert.deepEqual(filesOf(symbol), ["inference/inference_service.proto", "inference/model_config.proto"]);
    assert.deepEqual(filesOf(file), ["grpc/health/v1/health.proto"]);
    assert.equal(within(unknown, "error_response").error_code, 5);
  });
}

test("metadata, configuration, index and statistics are told as Triton's client reads them", async () => {
  await using server = await openFace();
  const ask = (method: string, request: object = {}) => server.peer.call(`${inference}/${method}`, request);
  assert.deepEqual(await ask("ServerLive"), { live: true });
  assert.deepEqual(await ask("ServerReady"), { ready: true });
  assert.deepEqual(await ask("ModelReady", { name: "echo" }), { ready: true });
  assert.deepEqual(await ask("ServerMetadata"), {
    name: "cupel",
    version: "0.1.0",
    extensions: ["statistics"],
  });
  const x = { name: "x", datatype: "FP32", shape: ["-1", "3"] };
  assert.deepEqual(await ask("ModelMetadata", { name: "echo" }), {
    name: "echo",
    versions: ["1"],
    platform: "onnxruntime_onnx",
    inputs: [x],
    outputs: [x],
    properties: { task: "none" },
  });
  const { config } = await ask("ModelConfig", { name: "echo" });
  assert.partialDeepStrictEqual(config, {
    name: "echo",
    max_batch_size: 0,
    input: [{ name: "x", data_type: "TYPE_FP32", dims: ["-1", "3"] }],
  });
  const { models } = await ask("RepositoryIndex", { ready: true });
  assert.deepEqual(models, [{ name: "echo", version: "1", state: "READY", reason: "" }]);
  assert.deepEqual(await ask("RepositoryModelLoad", { model_name: "echo" }), {});
  assert.equal((await refusal(ask("RepositoryModelUnload", { model_name: "none" }))).reason, "MODEL_UNKNOWN");
  const override = { model_name: "echo", parameters: { config: { string_param: "{}" } } };
  assert.equal((await refusal(ask("RepositoryModelLoad", override))).reason, "REQUEST_INVALID");
  const { model_stats: statistics } = await ask("ModelStatistics", { name: "echo" });
  assert.partialDeepStrictEqual(statistics, [
    {
      name: "echo",
      version: "1",
      last_inference: "1700000000000",
      inference_count: "6",
      execution_count: "2",
      inference_stats: { success: { count: "3", ns: "1500000" }, fail: { count: "1" } },
    },
  ]);
  assert.equal((await refusal(ask("ModelStatistics", { name: "none" }))).reason, "MODEL_UNKNOWN");
});

test("images go in with their format, answers come out", async () => {
  await using server = await openFace();
  const answer = await server.peer.call("cupel.v1.VisionService/Predict", {
    model: "boards",
    id: "p",
    images: [
      { data: Buffer.from("jpeg") },
      { data: Buffer.alloc(6), format: "PIXEL_FORMAT_NV12", width: 2, height: 2 },
    ],
    threshold: 0.25,
    windows: true,
  });
  const [asked] = server.echo.predictions;
  assert.deepEqual(
    asked?.images.map(({ bytes, ...image }) => ({ ...image, bytes: bytes.length })),
    [
      { kind: "encoded", bytes: 4 },
      { kind: "nv12", width: 2, height: 2, bytes: 6 },
    ],
  );
  assert.deepEqual(
    [asked?.threshold, asked?.top, asked?.windows, asked?.draw],
    [0.25, undefined, true, false],
  );
  assert.partialDeepStrictEqual(answer, {
    task: "detection",
    version: "2",
    id: "p",
    answers: [{ width: 20, boxes: [{ class: { index: 3, name: "short", score: 0.75 }, top: 2.5 }] }],
  });
  const format = await refusal(
    server.peer.call("cupel.v1.VisionService/Predict", {
      model: "boards",
      images: [{ data: Buffer.alloc(1), format: 9 }],
    }),
  );
  assert.deepEqual([format.status, format.reason], [3, "REQUEST_INVALID"]);
});

test("gRPC-Web and Connect are the same methods, on unless an option says otherwise", async () => {
  const ask = async (url: string, type: string) => {
    const response = await fetch(`${url}/${inference}/ServerLive`, {
      method: "POST",
      headers: { "content-type": type },
      body: type.includes("web") ? Buffer.alloc(5) : "{}",
    });
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()).toString("latin1") };
  };
  {
    await using server = await openFace({ protocols: [] });
    assert.equal((await ask(server.listener.url, "application/json")).status, 415);
    assert.equal((await ask(server.listener.url, "application/grpc-web+proto")).status, 415);
  }
  await using server = await openFace();
  assert.deepEqual(await ask(server.listener.url, "application/json"), {
    status: 200,
    body: '{"live":true}',
  });
  const web = await ask(server.listener.url, "application/grpc-web+proto");
  // A message of two bytes, `live` is true, and the trailers as the body's end.
  assert.ok(web.body.startsWith("\0\0\0\0\x02\x08\x01"));
  assert.match(web.body, /grpc-status: 0/);
});
