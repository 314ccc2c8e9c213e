/** The gRPC face by another's client: tensors, errors, deadlines, cancellation, streams, health, reflection. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { compressionAlgorithms, type ServiceError } from "@grpc/grpc-js";
import type { Admission } from "../../src/core/admission.ts";
import { openAdmission } from "../../src/core/open-admission.ts";
import { serveErrors } from "../../src/errors.ts";
import { createGrpcFace, type GrpcFaceOptions } from "../../src/grpc/face.ts";
import { listen } from "../../src/listener/listen.ts";
import { silentInstruments } from "../../src/operations/instruments.ts";
import { EchoService } from "../support/echo-service.ts";
import { GrpcPeer, type Message, PeerError } from "../support/grpc-peer.ts";
import { openHttp2 } from "../support/http-client.ts";

const inference = "inference.GRPCInferenceService";
const infer = `${inference}/ModelInfer`;
const streamInfer = `${inference}/ModelStreamInfer`;

/** Counts calls that were let in and are not disposed. */
function countingAdmission() {
  const state = { open: 0, actions: [] as string[], keys: [] as (string | undefined)[] };
  const admission: Admission = {
    async admit(arrival) {
      const key = arrival.header("x-api-key");
      state.keys.push(key);
      state.actions.push(arrival.action);
      if (key === "wrong")
        throw serveErrors.error("AUTH_REQUIRED", "The API key is not one this server knows.");
      const call = await openAdmission.admit(arrival);
      state.open++;
      return {
        ...call,
        [Symbol.dispose]() {
          state.open--;
          call[Symbol.dispose]();
        },
      };
    },
  };
  return { admission, state };
}

async function open(options: Partial<GrpcFaceOptions> = {}) {
  const echo = new EchoService();
  const { admission, state } = countingAdmission();
  const errors: unknown[] = [];
  const face = createGrpcFace({
    service: echo,
    admission,
    instruments: silentInstruments,
    bodyLimit: 1 << 20,
    onError: (error) => errors.push(error),
    ...options,
  });
  const listener = await listen({ faces: [face], port: 0, onError: (error) => errors.push(error) });
  const peer = new GrpcPeer(listener.port);
  return {
    echo,
    peer,
    listener,
    state,
    async [Symbol.asyncDispose]() {
      peer[Symbol.dispose]();
      await listener.close();
      await face[Symbol.asyncDispose]();
      assert.deepEqual(errors, []);
      assert.equal(state.open, 0, "every call is disposed");
    },
  };
}

async function until(reached: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !reached(); i++) await delay(10);
  assert.ok(reached());
}

async function refusal(asked: Promise<unknown>): Promise<PeerError> {
  const thrown: unknown = await asked.then(
    () => assert.fail("It was answered."),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof PeerError, String(thrown));
  return thrown;
}

const within = (message: Message | undefined, field: string) => message?.[field] as Message;

const bytesOf = (data: NodeJS.TypedArray) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

const tensors = [
  ["BOOL", Uint8Array.of(1, 0, 1), { bool_contents: [true, false, true] }],
  ["INT8", Int8Array.of(-128, 0, 127), { int_contents: [-128, 0, 127] }],
  ["INT16", Int16Array.of(-32768, 1, 32767), { int_contents: [-32768, 1, 32767] }],
  ["INT32", Int32Array.of(-(2 ** 31), 1, 2 ** 31 - 1), { int_contents: [-(2 ** 31), 1, 2 ** 31 - 1] }],
  [
    "INT64",
    BigInt64Array.of(-(2n ** 63n), 9007199254740993n, 2n ** 63n - 1n),
    { int64_contents: ["-9223372036854775808", "9007199254740993", "9223372036854775807"] },
  ],
  ["UINT8", Uint8Array.of(0, 1, 255), { uint_contents: [0, 1, 255] }],
  ["UINT16", Uint16Array.of(0, 1, 65535), { uint_contents: [0, 1, 65535] }],
  ["UINT32", Uint32Array.of(0, 1, 2 ** 32 - 1), { uint_contents: [0, 1, 2 ** 32 - 1] }],
  [
    "UINT64",
    BigUint64Array.of(0n, 9007199254740993n, 2n ** 64n - 1n),
    { uint64_contents: ["0", "9007199254740993", "18446744073709551615"] },
  ],
  ["FP16", Uint16Array.of(0x3c00, 0x7c00, 0x8000), null],
  ["FP32", Float32Array.of(1.5, -0, Number.NaN), { fp32_contents: [1.5, -0, Number.NaN] }],
  ["FP64", Float64Array.of(0.1, -1e300, 5e-324), { fp64_contents: [0.1, -1e300, 5e-324] }],
] as const;

test("tensors of every datatype come and go as bytes, and come as typed contents, to the bit", async () => {
  await using server = await open();
  for (const [datatype, data, contents] of tensors) {
    const input = { name: "x", datatype, shape: [1, 3] };
    const raw = await server.peer.call(infer, {
      model_name: "echo",
      id: "a-1",
      inputs: [input],
      raw_input_contents: [bytesOf(data)],
    });
    assert.deepEqual([raw.model_name, raw.model_version, raw.id], ["echo", "1", "a-1"]);
    assert.deepEqual(raw.raw_output_contents, [bytesOf(data)], datatype);
    const [output] = raw.outputs as Message[];
    assert.deepEqual([output?.name, output?.datatype, output?.shape], ["x", datatype, ["1", "3"]]);
    if (contents === null) continue;
    const typed = await server.peer.call(infer, { model_name: "echo", inputs: [{ ...input, contents }] });
    assert.deepEqual(typed.raw_output_contents, [bytesOf(data)], datatype);
  }
});

test("elements of bytes come raw, each after its length, or typed; parameters and wanted outputs reach the service", async () => {
  await using server = await open();
  const input = { name: "image", datatype: "BYTES", shape: [2] };
  const raw = Buffer.concat([Buffer.from([2, 0, 0, 0, 7, 8]), Buffer.from([0, 0, 0, 0])]);
  const parameters = {
    priority: { uint64_param: "18446744073709551615" },
    limit: { int64_param: "-2" },
    scale: { double_param: 0.5 },
    fast: { bool_param: true },
    note: { string_param: "n" },
  };
  await server.peer.call(infer, {
    model_name: "echo",
    model_version: "4",
    inputs: [input],
    raw_input_contents: [raw],
    outputs: [{ name: "y" }],
    parameters,
  });
  const contents = { bytes_contents: [Buffer.from([7, 8]), Buffer.alloc(0)] };
  await server.peer.call(infer, { model_name: "echo", inputs: [{ ...input, contents }] });
  const [first, second] = server.echo.requests;
  for (const request of [first, second]) {
    const data: Iterable<unknown> = request?.inputs[0]?.data ?? [];
    assert.deepEqual(
      [...data].map((each) => (each instanceof Uint8Array ? [...each] : each)),
      [[7, 8], []],
    );
  }
  assert.deepEqual(first?.parameters, {
    priority: 2n ** 64n - 1n,
    limit: -2n,
    scale: 0.5,
    fast: true,
    note: "n",
  });
  assert.deepEqual([first?.version, first?.outputs], ["4", ["y"]]);
  assert.deepEqual([second?.version, second?.outputs, second?.id], [undefined, undefined, undefined]);
});

test("a request that contradicts itself is refused by name", async () => {
  await using server = await open();
  const x = { name: "x", datatype: "FP32", shape: [1] };
  const contents = { fp32_contents: [1] };
  const bytes = Buffer.alloc(4);
  const rows: readonly (readonly [object, string, RegExp])[] = [
    [{ inputs: [{ ...x, contents }], raw_input_contents: [bytes] }, "REQUEST_INVALID", /one of them/],
    [{ inputs: [x, x], raw_input_contents: [bytes] }, "REQUEST_INVALID", /2 inputs and 1 /],
    [{ inputs: [x], raw_input_contents: [Buffer.alloc(5)] }, "INPUT_SHAPE_MISMATCH", /takes 4 bytes/],
    [{ inputs: [x] }, "REQUEST_INVALID", /has no data/],
    [{ inputs: [{ ...x, shape: [-1] }], raw_input_contents: [bytes] }, "REQUEST_INVALID", /shape \[-1\]/],
    [{ inputs: [{ ...x, datatype: "BF16" }], raw_input_contents: [bytes] }, "DATATYPE_UNSUPPORTED", /BF16/],
    [{ inputs: [{ ...x, datatype: "FP16", contents }] }, "DATATYPE_UNSUPPORTED", /raw_input_contents only/],
    [
      { inputs: [{ ...x, datatype: "FP64", contents }] },
      "REQUEST_INVALID",
      /its fp64_contents; it has fp32_contents/,
    ],
    [
      { inputs: [{ ...x, datatype: "INT8", contents: { int_contents: [128] } }] },
      "REQUEST_INVALID",
      /128 at 0/,
    ],
    [
      { inputs: [{ ...x, datatype: "BOOL" }], raw_input_contents: [Buffer.from([2])] },
      "REQUEST_INVALID",
      /0 or 1/,
    ],
    [
      { inputs: [{ ...x, datatype: "BYTES" }], raw_input_contents: [Buffer.from([9, 0, 0, 0, 1])] },
      "INPUT_SHAPE_MISMATCH",
      /are not that/,
    ],
    [
      {
        inputs: [x],
        raw_input_contents: [bytes],
        outputs: [{ name: "y", parameters: { classification: { int64_param: 2 } } }],
      },
      "REQUEST_INVALID",
      /"classification" of "y"/,
    ],
  ];
  for (const [request, reason, message] of rows) {
    const error = await refusal(server.peer.call(infer, { model_name: "echo", ...request }));
    assert.deepEqual([error.status, error.reason], [3, reason], error.message);
    assert.match(error.message, message);
  }
  assert.equal(server.echo.requests.length, 0);
});

const one = (model: string, id = "") => ({
  model_name: model,
  id,
  inputs: [{ name: "x", datatype: "UINT8", shape: [1], contents: { uint_contents: [1] } }],
});

test("errors have the status of their code, the code as reason, and the time to come again; a defect says nothing", async () => {
  await using server = await open();
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
  await using server = await open();
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
  await using server = await open({ bodyLimit: 100_000 });
  const large = await refusal(server.peer.call(infer, {}, { bytes: Buffer.alloc(200_000) }));
  assert.deepEqual([large.status, large.reason, large.details.setting], [8, "BODY_TOO_LARGE", "bodyLimit"]);
  const malformed = await refusal(server.peer.call(infer, {}, { bytes: Buffer.from([0x0a, 0xff, 0xff]) }));
  assert.deepEqual([malformed.status, malformed.reason], [3, "REQUEST_INVALID"]);
  using gzip = new GrpcPeer(server.listener.port, {
    "grpc.default_compression_algorithm": compressionAlgorithms.gzip,
  });
  const bomb = Buffer.alloc(5_000_000);
  assert.ok(gzipSync(bomb).length < 100_000);
  const bombed = await refusal(gzip.call(infer, {}, { bytes: bomb }));
  assert.deepEqual([bombed.status, bombed.reason], [8, "BODY_TOO_LARGE"]);
});

test("who compresses is answered compressed, who does not is not", async () => {
  await using server = await open();
  const session = await openHttp2(server.listener.url);
  const ask = async (compressed: boolean) => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const stream = session.request({
      ":method": "POST",
      ":path": `/${inference}/ServerLive`,
      "content-type": "application/grpc",
      te: "trailers",
      "grpc-accept-encoding": "identity,gzip",
      ...(compressed ? { "grpc-encoding": "gzip" } : {}),
    });
    stream.on("response", (headers) => resolve(headers["grpc-encoding"]));
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
    stream.resume();
    return promise;
  };
  assert.deepEqual([await ask(true), await ask(false)], ["gzip", undefined]);
  session.close();
});

test("a deadline and a client that leaves reach the call and are told apart", async () => {
  await using server = await open();
  const late = await refusal(server.peer.call(infer, one("wait"), { timeoutMs: 60 }));
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
});

test("a stream answers in the order of its requests, some at once; a failure is in its message and the stream goes on", async () => {
  await using server = await open({ streamConcurrency: 3 });
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
  await using server = await open();
  const cancelled = server.peer.stream(streamInfer);
  cancelled.on("error", () => {});
  cancelled.write(one("wait"));
  await until(() => server.echo.waiting === 1);
  cancelled.cancel();
  await until(() => server.echo.waiting === 0);

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
  assert.deepEqual(states, [{ status: "SERVING" }, { status: "NOT_SERVING" }]);
});

test("health is told of the server and of its services; a state is watched", async () => {
  await using server = await open();
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
    await using server = await open();
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
  await using server = await open();
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
  await using server = await open();
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

test("gRPC-Web and Connect are the same methods, off unless an option says so", async () => {
  const ask = async (url: string, type: string) => {
    const response = await fetch(`${url}/${inference}/ServerLive`, {
      method: "POST",
      headers: { "content-type": type },
      body: type.includes("web") ? Buffer.alloc(5) : "{}",
    });
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()).toString("latin1") };
  };
  {
    await using server = await open();
    assert.equal((await ask(server.listener.url, "application/json")).status, 404);
    assert.equal((await ask(server.listener.url, "application/grpc-web+proto")).status, 404);
  }
  await using server = await open({ grpcWeb: true, connect: true });
  assert.deepEqual(await ask(server.listener.url, "application/json"), {
    status: 200,
    body: '{"live":true}',
  });
  const web = await ask(server.listener.url, "application/grpc-web+proto");
  // A message of two bytes, `live` is true, and the trailers as the body's end.
  assert.ok(web.body.startsWith("\0\0\0\0\x02\x08\x01"));
  assert.match(web.body, /grpc-status: 0/);
});
