/**
 * What the server does, told once for every face: tensors, batches, images, errors, deadlines, cancellation, limits,
 * access, cache and reload. A behaviour knows neither HTTP nor gRPC.
 */
import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import type { InferenceRequest, NumberTensor } from "@cupel/serve";
import sharp from "sharp";
import { scaler } from "../support/tiny-models.ts";
import { type BehaviourClient, type ExpectedStatus, Refusal, type StatusOf } from "./client.ts";
import type { BehaviourServer } from "./server.ts";

export interface Behaviour {
  readonly name: string;
  run(scene: Scene): Promise<void>;
}

export interface Scene {
  readonly server: BehaviourServer;
  readonly client: BehaviourClient;
  readonly statusOf: StatusOf;
}

const row = (...values: readonly number[]): NumberTensor => ({
  name: "x",
  datatype: "FP32",
  shape: [values.length / 3, 3],
  data: Float32Array.from(values),
});

const ofScaler = (tensor: NumberTensor, more: Partial<InferenceRequest> = {}): InferenceRequest => ({
  model: "scaler",
  inputs: [tensor],
  ...more,
});

/** The model whose run takes a tenth of a second and more. */
const slowRequest = (value = 0): InferenceRequest => ({
  model: "slow",
  inputs: [
    {
      name: "x",
      datatype: "FP32",
      shape: [64, 64],
      // The product of this matrix with itself is itself, near enough to stay a number.
      data: new Float32Array(64 * 64).fill((1 + value / 100_000) / 64),
    },
  ],
});

async function refused(
  { statusOf }: Scene,
  asked: Promise<unknown>,
  expected: { readonly code: string; readonly status: ExpectedStatus },
): Promise<Refusal> {
  try {
    await asked;
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    assert.equal(thrown.code, expected.code);
    assert.equal(thrown.status, statusOf[expected.status]);
    assert.doesNotMatch(thrown.message, /\/tmp\/|node_modules|\.ts:\d/, "neither a path nor a stack");
    return thrown;
  }
  assert.fail(`It was answered, and should have been refused with ${expected.code}.`);
}

export const behaviours: readonly Behaviour[] = [
  {
    name: "tensors go in by name and come out by name, and the id is echoed",
    async run({ client }) {
      const response = await client.infer(ofScaler(row(1, -2, 0.5), { id: "ab-1" }));
      assert.deepEqual(response, {
        model: "scaler",
        version: "1",
        id: "ab-1",
        outputs: [{ name: "y", datatype: "FP32", shape: [1, 3], data: Float32Array.of(2, -4, 1) }],
      });
      const chosen = await client.infer(ofScaler(row(1, 1, 1), { version: "1", outputs: ["y"] }));
      assert.deepEqual(chosen.outputs[0]?.data, Float32Array.of(2, 2, 2));
    },
  },
  {
    name: "whole numbers of 64 bits arrive as they were sent",
    async run({ client }) {
      const data = BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), 9007199254740993n, 0n, -1n);
      const x = { name: "x", datatype: "INT64", shape: [5], data } as const;
      const response = await client.infer({ model: "identity", inputs: [x] });
      assert.deepEqual(response.outputs[0]?.data, data);
    },
  },
  {
    name: "a request of many rows is answered row by row, more than one run takes too",
    async run({ client }) {
      const values = Float32Array.from({ length: 3 * 50 }, (_, i) => i);
      const response = await client.infer(ofScaler(row(...values)));
      assert.deepEqual(response.outputs[0]?.shape, [50, 3]);
      assert.deepEqual(
        response.outputs[0]?.data,
        values.map((value) => 2 * value),
      );
    },
  },
  {
    name: "requests at one time get each their own rows",
    async run({ client }) {
      const asked = Array.from({ length: 24 }, async (_, i) => {
        const { outputs } = await client.infer(ofScaler(row(i, i + 0.5, -1 - i), { id: `${i}` }));
        assert.deepEqual(outputs[0]?.data, Float32Array.of(2 * i, 2 * i + 1, -2 - 2 * i));
      });
      await Promise.all(asked);
    },
  },
  {
    name: "metadata names inputs, outputs and what the file says; an open size is -1",
    async run({ client }) {
      const metadata = await client.modelMetadata("brightness");
      assert.deepEqual(metadata.inputs, [{ name: "image", datatype: "FP32", shape: [-1, 1, 8, 8] }]);
      assert.deepEqual(metadata.outputs, [{ name: "logits", datatype: "FP32", shape: [-1, 2] }]);
      assert.equal(metadata.name, "brightness");
      assert.deepEqual(metadata.versions, ["1"]);
      assert.equal(await client.isReady(), true);
      assert.equal(await client.isModelReady("brightness", "1"), true);
      assert.equal(await client.isModelReady("brightness", "7"), false);
    },
  },
  {
    name: "an encoded image is a tensor of bytes, prepared as the model's file says",
    async run({ client }) {
      const bright = await grey(250);
      const x = { name: "image", datatype: "BYTES", shape: [2], data: [bright, await grey(5)] } as const;
      const { outputs } = await client.infer({ model: "brightness", inputs: [x] });
      const [dark, light] = outputs[0]!.data as Float32Array;
      // 250 / 255 * 20 - 10 by arithmetic.
      assert.ok(Math.abs(light! - (20 * (250 / 255) - 10)) < 1e-3 && Math.abs(dark! + light!) < 1e-3);
      assert.deepEqual(outputs[0]?.shape, [2, 2]);
    },
  },
  {
    name: "images are answered by what they show",
    async run({ client }) {
      const images = [
        { kind: "encoded", bytes: await grey(250) },
        { kind: "rgb", bytes: new Uint8Array(16 * 9 * 3).fill(5), width: 16, height: 9 },
      ] as const;
      const response = await client.predict({ model: "brightness", id: "p", images, top: 1 });
      assert.equal(response.task, "classification");
      assert.equal(response.id, "p");
      assert.deepEqual(
        response.answers.map(({ classes, width, height }) => [classes?.[0]?.name, width, height]),
        [
          ["bright", 20, 10],
          ["dark", 16, 9],
        ],
      );
      // Softmax of two logits z and -z is 1 / (1 + e^-2z).
      const z = 20 * (250 / 255) - 10;
      assert.ok(Math.abs(response.answers[0]!.classes![0]!.score - 1 / (1 + Math.exp(-2 * z))) < 1e-4);
    },
  },
  {
    name: "bytes that are no image are the caller's fault",
    async run(scene) {
      const image = { kind: "encoded", bytes: Buffer.from("no picture at all") } as const;
      const asked = scene.client.predict({ model: "brightness", images: [image] });
      const refusal = await asked.then(
        () => assert.fail("answered"),
        (thrown: unknown) => thrown,
      );
      assert.ok(refusal instanceof Refusal);
      const { statusOf } = scene;
      assert.ok([statusOf.invalid, 422].includes(refusal.status), `${refusal.status} ${refusal.code}`);
    },
  },
  {
    name: "what is wrong with a request is named by a stable code",
    async run(scene) {
      const { client } = scene;
      const invalid = "invalid" as const;
      const ask = (request: InferenceRequest) => client.infer(request);
      const x = row(1, 2, 3);
      const cases = [
        [ask({ ...ofScaler(x), model: "none" }), "MODEL_UNKNOWN", "not found"],
        [ask(ofScaler(x, { version: "9" })), "VERSION_UNKNOWN", "not found"],
        [ask(ofScaler(x, { inputs: [] })), "INPUT_MISSING", invalid],
        [ask(ofScaler({ ...x, name: "z" })), "INPUT_UNKNOWN", invalid],
        [ask(ofScaler({ ...x, shape: [3, 1] })), "INPUT_SHAPE_MISMATCH", invalid],
        [ask(ofScaler(x, { inputs: [x, x] })), "REQUEST_INVALID", invalid],
        [ask(ofScaler(x, { outputs: ["w"] })), "OUTPUT_UNKNOWN", invalid],
        [
          ask(ofScaler({ ...x, datatype: "FP64", data: Float64Array.of(1, 2, 3) })),
          "TENSOR_TYPE_MISMATCH",
          invalid,
        ],
        [client.modelMetadata("none"), "MODEL_UNKNOWN", "not found"],
        [client.load("none"), "MODEL_UNKNOWN", "not found"],
      ] as const;
      // All are on their way, and may be refused in any order.
      for (const [asked] of cases) asked.catch(() => {});
      for (const [asked, code, status] of cases) await refused(scene, asked, { code, status });
    },
  },
  {
    name: "a request that waits past its deadline is told so while another still runs",
    async run(scene) {
      const { client } = scene;
      const first = client.infer(slowRequest());
      const second = client.infer(slowRequest(1), { timeoutMs: 30 });
      const order: string[] = [];
      await Promise.all([
        first.then(() => order.push("first")),
        refused(scene, second, { code: "DEADLINE_EXCEEDED", status: "late" }).then(() =>
          order.push("second"),
        ),
      ]);
      assert.deepEqual(order, ["second", "first"]);
    },
  },
  {
    name: "a client that leaves takes its request out of the queue",
    async run({ client, server }) {
      // Whose turn comes before it leaves is answered, which says nothing: then it is tried again.
      for (let attempt = 0; attempt < 5; attempt++) {
        // One that runs, one that is prepared and one that waits.
        const inFront = [2, 3, 4].map((factor) => client.infer(slowRequest(factor)));
        await queuedOrAnswered(server, 1, inFront);
        const before = await server.answered("slow", "CANCELLED");
        const leaver = new AbortController();
        const left = client.infer(slowRequest(5), { signal: leaver.signal }).then(
          () => false,
          () => true,
        );
        await queuedOrAnswered(server, 2, [left]);
        leaver.abort();
        const hasLeft = await left;
        if (hasLeft) await until(async () => (await server.answered("slow", "CANCELLED")) > before);
        await Promise.all(inFront);
        assert.equal(await server.queued("slow"), 0);
        if (hasLeft) return;
      }
      assert.fail("It was answered each time, as if it had not left.");
    },
  },
  {
    name: "more than may wait is refused, with the time to come again",
    async run(scene) {
      const { client, server } = scene;
      const asked = Array.from({ length: 12 }, (_, i) => client.infer(slowRequest(10 + i)));
      const answers = await Promise.allSettled(asked);
      const refusals = answers.filter((answer) => answer.status === "rejected").map(({ reason }) => reason);
      assert.ok(refusals.length > 0 && refusals.length < 12, `${refusals.length} refused`);
      for (const refusal of refusals) {
        assert.ok(refusal instanceof Refusal);
        assert.equal(refusal.code, "QUEUE_LIMIT");
        assert.equal(refusal.status, scene.statusOf["too many"]);
        assert.ok((refusal.retryAfterMs ?? 0) > 0);
      }
      assert.equal(await server.queued("slow"), 0);
    },
  },
  {
    name: "a body over the limit is refused by the name of the setting",
    async run(scene) {
      const values = new Float32Array(3 * 1_000_000);
      const asked = scene.client.infer(ofScaler({ ...row(0, 0, 0), shape: [1_000_000, 3], data: values }));
      const { message } = await refused(scene, asked, { code: "BODY_TOO_LARGE", status: "too large" });
      assert.match(message, /bodyLimit/);
    },
  },
  {
    name: "who is not known, and who may not, are told apart",
    async run(scene) {
      const { client } = scene;
      const none = client.infer(ofScaler(row(1, 2, 3)), { key: null });
      await refused(scene, none, { code: "AUTH_REQUIRED", status: "unauthenticated" });
      const wrong = client.infer(ofScaler(row(1, 2, 3)), { key: "not-a-key" });
      await refused(scene, wrong, { code: "AUTH_REQUIRED", status: "unauthenticated" });
      const reader = { key: scene.server.keys.reader };
      await client.infer(ofScaler(row(1, 2, 3)), reader);
      const other = client.infer({ ...ofScaler(row(1, 2, 3)), model: "identity" }, reader);
      await refused(scene, other, { code: "FORBIDDEN", status: "forbidden" });
      const unload = client.unload("scaler", reader);
      await refused(scene, unload, { code: "FORBIDDEN", status: "forbidden" });
      assert.equal(await client.isReady(), true);
    },
  },
  {
    name: "a key that asks too often is told to wait",
    async run(scene) {
      const { client, server } = scene;
      const asked = Array.from({ length: 20 }, () =>
        client.infer(ofScaler(row(1, 2, 3)), { key: server.keys.hasty }),
      );
      const answers = await Promise.allSettled(asked);
      const refusals = answers.filter((answer) => answer.status === "rejected").map(({ reason }) => reason);
      assert.ok(refusals.length > 0 && refusals.length < 20, `${refusals.length} refused`);
      for (const refusal of refusals) {
        assert.equal(refusal.code, "RATE_LIMIT");
        assert.equal(refusal.status, scene.statusOf["too many"]);
      }
    },
  },
  {
    name: "an equal request is answered from the cache, under its own id",
    async run({ client, server }) {
      const value = Math.fround(Math.random());
      const ask = (id: string) => client.infer({ ...ofScaler(row(value, 1, 2)), model: "cached", id });
      const before = await server.cacheHits("cached");
      const first = await ask("one");
      const second = await ask("two");
      assert.equal((await server.cacheHits("cached")) - before, 1);
      assert.deepEqual(second, { ...first, id: "two" });
    },
  },
  {
    name: "a new file is loaded when it is asked for, and a broken one is not",
    async run(scene) {
      const { client, server } = scene;
      const ask = async () => {
        const { outputs } = await client.infer({ ...ofScaler(row(1, 1, 1)), model: "reloaded" });
        return outputs[0]?.data[0];
      };
      await server.write("reloaded", scaler(5));
      await client.load("reloaded");
      assert.equal(await ask(), 5);
      await server.write("reloaded", Buffer.from("no model"));
      await assert.rejects(client.load("reloaded"), Refusal);
      assert.equal(await ask(), 5);
      await server.write("reloaded", scaler(7));
      await client.load("reloaded");
      assert.equal(await ask(), 7);
      await client.unload("reloaded");
      await refused(scene, ask(), { code: "MODEL_NOT_READY", status: "unavailable" });
      const entry = (await client.index()).find(({ name }) => name === "reloaded");
      assert.notEqual(entry?.state, "READY");
      await client.load("reloaded");
      assert.equal(await ask(), 7);
    },
  },
];

/** A grey PNG of 20 x 10. */
async function grey(level: number): Promise<Uint8Array> {
  const background = { r: level, g: level, b: level };
  return await sharp({ create: { width: 20, height: 10, channels: 3, background } })
    .png()
    .toBuffer();
}

/** Until so many requests wait, or these are answered: on a busy machine they may be before all have come. */
async function queuedOrAnswered(
  server: BehaviourServer,
  count: number,
  asked: readonly Promise<unknown>[],
): Promise<void> {
  let answered = false;
  void Promise.allSettled(asked).then(() => {
    answered = true;
  });
  await until(async () => answered || (await server.queued("slow")) >= count);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1_000; i++) {
    if (await holds()) return;
    await wait(5);
  }
  assert.fail("It did not come to that.");
}
