/**
 * The same behaviours through @cupel/client, over every face that it speaks; in a short run over one of HTTP and one of
 * sockets.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { type Client, createClient, type FaceName, type Tensor } from "@cupel/client";
import { parseConfig, startServer } from "@cupel/serve";
import { pngOf } from "../images/serving.ts";
import { detector, measurer, segmenter, textReader } from "../support/image-models.ts";
import { brightness, identity } from "../support/tiny-models.ts";
import { behaviours } from "./behaviours.ts";
import { type BehaviourClient, grpcStatusOf, httpStatusOf, type StatusOf } from "./client.ts";
import { cupelClient } from "./cupel-client.ts";
import { type BehaviourServer, startBehaviourServer } from "./server.ts";

const faces: readonly { readonly face: FaceName; readonly statusOf: StatusOf }[] = [
  { face: "rest-json", statusOf: httpStatusOf },
  { face: "rest-binary", statusOf: httpStatusOf },
  { face: "grpc", statusOf: grpcStatusOf },
  { face: "grpc-web", statusOf: grpcStatusOf },
  { face: "connect", statusOf: grpcStatusOf },
  { face: "websocket", statusOf: grpcStatusOf },
  { face: "graphql", statusOf: httpStatusOf },
];

const isLong = process.env.CUPEL_LONG_TESTS === "1";
/** In a run that is not long: behaviours over these, and the same answers over those. */
const short = new Set<FaceName>(["rest-binary", "websocket"]);
const compared = faces.filter(({ face }) => isLong || face === "grpc" || face === "graphql");

let server: BehaviourServer;
before(async () => {
  server = await startBehaviourServer();
});
after(() => server[Symbol.asyncDispose]());

for (const { face, statusOf } of faces) {
  describe(face, { skip: isLong || short.has(face) ? false : "CUPEL_LONG_TESTS=1 runs it" }, () => {
    let client: BehaviourClient;
    before(() => {
      client = cupelClient(face, server.port, server.keys.operator, statusOf);
    });
    after(() => client[Symbol.asyncDispose]());
    for (const behaviour of behaviours) {
      test(behaviour.name, () => behaviour.run({ server, client, statusOf }));
    }
  });
}

/** Of each task one, and of datatypes those that lists cannot carry. */
const models = {
  bright: brightness(),
  detector: detector(),
  segmenter: segmenter(),
  reader: textReader(),
  measurer: measurer("features"),
  whole: identity("int64"),
  half: identity("float16"),
  single: identity("float32"),
};

/** Those with something to draw. */
const drawn = new Set(["detector", "segmenter"]);

async function everything(client: Client, carriesAll: boolean) {
  const image = await pngOf(16, 16, (x) => (x < 4 ? 0 : x < 12 ? 1 : 2));
  const predictions = ["bright", "detector", "segmenter", "reader", "measurer"].map((model) =>
    client.predict({ model, id: "a", images: [image, image], top: 2, draw: drawn.has(model) }),
  );
  const inputs: Readonly<Record<string, Tensor>> = {
    whole: { name: "x", datatype: "INT64", shape: [2], data: BigInt64Array.of(2n ** 62n + 1n, -1n) },
    ...(carriesAll
      ? {
          half: { name: "x", datatype: "FP16", shape: [3], data: Uint16Array.of(0x3c00, 0x7e00, 0x8000) },
          single: {
            name: "x",
            datatype: "FP32",
            shape: [3],
            data: Float32Array.of(Number.NaN, -0, Infinity),
          },
        }
      : {}),
    bright: { name: "image", datatype: "BYTES", shape: [1], data: [image] },
  };
  const inferences = Object.entries(inputs).map(([model, input]) => client.infer({ model, inputs: [input] }));
  const bare = { kind: "rgb", bytes: new Uint8Array(48).fill(200), width: 4, height: 4 } as const;
  return {
    server: await client.metadata(),
    model: await client.modelMetadata("detector"),
    index: await client.index(),
    predictions: await Promise.all(predictions),
    bare: await client.predict({ model: "bright", images: [bare] }),
    inferences: Object.fromEntries((await Promise.all(inferences)).map((each) => [each.model, each])),
  };
}

test("every face tells the same of metadata, statistics, images and tensors", async () => {
  await using folder = await openTemporaryFolder("faces");
  for (const [model, bytes] of Object.entries(models))
    await writeFile(join(folder.path, `${model}.onnx`), bytes);
  const settings = {
    listen: { port: 0 },
    engine: { threads: 1, trial: false },
    logging: { level: "silent" },
  };
  const { config } = parseConfig({
    file: { path: join(folder.path, "serve.json"), text: JSON.stringify(settings) },
    flags: { "repository.path": folder.path },
  });
  await using served = await startServer(config);
  const told = new Map<FaceName, Awaited<ReturnType<typeof everything>>>();
  const counted = new Map<FaceName, unknown>();
  using clients = new DisposableStack();
  const opened = compared.map(({ face }) => {
    const endpoints = `http://127.0.0.1:${served.port}`;
    return { face, client: clients.use(createClient({ endpoints, face, retry: { retries: 0 } })) };
  });
  for (const { face, client } of opened) told.set(face, await everything(client, face !== "rest-json"));
  for (const { face, client } of opened) {
    // gRPC has whole ns.
    const told = JSON.stringify(await client.statistics(), (name, value) =>
      name === "ms" ? Math.round(value * 1e6) : value,
    );
    counted.set(face, JSON.parse(told));
    assert.equal((await client.statistics("whole")).length, 1, face);
  }
  const { inferences, ...expected } = told.get("grpc")!;
  const [, detected, segmented, read, measured] = expected.predictions.map(({ answers }) => answers[0]!);
  assert.ok(detected!.boxes.length > 0 && detected!.drawing !== null && segmented!.mask !== null);
  assert.ok(read!.text !== null && measured!.values.length > 0);
  assert.deepEqual(inferences.whole!.outputs[0]!.data, BigInt64Array.of(2n ** 62n + 1n, -1n));
  for (const { face } of compared) {
    const { inferences: inferred, ...rest } = told.get(face)!;
    assert.deepEqual(rest, expected, face);
    for (const [model, answer] of Object.entries(inferred))
      assert.deepEqual(answer, inferences[model], `${face}: ${model}`);
    assert.deepEqual(counted.get(face), counted.get("grpc"), face);
  }
});
