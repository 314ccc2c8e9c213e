/** What the cache answers, what it does not keep, and that no two requests are ever taken for one. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { baseErrors, cancellation, openTemporaryFolder } from "@cupel/base";
import { runtimeErrors } from "@cupel/runtime";
import {
  type CachePolicy,
  type ResponseCacheOptions,
  withResponseCache,
} from "../../src/cache/response-cache.ts";
import { anonymous, type Call } from "../../src/core/call.ts";
import type { InferenceRequest, InferenceResponse } from "../../src/core/inference.ts";
import { createInferenceService, type InferenceService } from "../../src/core/inference-service.ts";
import { serveErrors } from "../../src/errors.ts";
import { silentInstruments } from "../../src/operations/instruments.ts";
import { openRepository } from "../../src/repository/open-repository.ts";
import { scaler } from "../support/tiny-models.ts";

function callOf(signal: AbortSignal = new AbortController().signal): Call {
  return { face: "rest", principal: anonymous, signal, address: "", times: {} };
}

function request(values: readonly number[] = [1, 2], rest: Partial<InferenceRequest> = {}): InferenceRequest {
  const data = Float32Array.from(values);
  return {
    model: "m",
    inputs: [{ name: "x", datatype: "FP32", shape: [1, values.length], data }],
    ...rest,
  };
}

const unused = () => assert.fail("not asked for here");

/** A service whose answers the test gives: every computation is a promise of the list. */
class FakeService {
  digest = "first";
  readonly asked: {
    request: InferenceRequest;
    call: Call;
    answer: PromiseWithResolvers<InferenceResponse>;
  }[] = [];
  readonly outcomes: string[] = [];
  predictions = 0;
  readonly cached: ReturnType<typeof withResponseCache>;
  time = 0;

  constructor(options: Partial<ResponseCacheOptions> = {}) {
    const service: InferenceService = {
      noRoom: () => null,
      infer: (request, call) => {
        const answer = Promise.withResolvers<InferenceResponse>();
        call.signal.addEventListener("abort", () => answer.reject(cancellation("The run", call.signal)));
        this.asked.push({ request, call, answer });
        return answer.promise;
      },
      predict: async ({ model, version = "1", id, images }) => {
        this.predictions++;
        const answers = images.map(({ bytes }) => ({ width: bytes.length, height: 1 }));
        return { model, version, id, digest: this.digest, task: "classification", answers };
      },
      metadata: () => ({ name: "fake", version: "0", extensions: [] }),
      modelMetadata: unused,
      isReady: () => true,
      isModelReady: () => true,
      modelReport: () => Promise.reject(new Error("not here")),
      repositoryIndex: () => [],
      loadModel: unused,
      unloadModel: unused,
      statistics: () => [],
    };
    this.cached = withResponseCache(service, {
      repository: {
        lease: (model, version = "1") => ({
          version: { model, version, digest: this.digest },
          [Symbol.dispose]() {},
        }),
      },
      policyOf: () => ({ ttlMs: 1000, negativeTtlMs: 100 }),
      maxBytes: 2 ** 20,
      ttlJitter: 0,
      clock: { now: () => 0, monotonic: () => this.time },
      instruments: {
        ...silentInstruments,
        count: (_: string, labels: { readonly outcome?: string }) =>
          void this.outcomes.push(labels.outcome ?? ""),
      },
      ...options,
    });
  }

  infer(request: InferenceRequest, call = callOf()) {
    return this.cached.infer(request, call);
  }

  /** Answers the newest computation. */
  answer(value = 7, digest = this.digest): void {
    const { request, answer } = this.asked.at(-1)!;
    const y = { name: "y", datatype: "FP32", shape: [1, 1], data: Float32Array.of(value) } as const;
    answer.resolve({ model: "m", version: "1", digest, id: request.id, outputs: [y] });
  }

  fail(reason: Error): void {
    this.asked.at(-1)!.answer.reject(reason);
  }

  async ask(asked: InferenceRequest, value?: number): Promise<InferenceResponse> {
    const before = this.asked.length;
    const response = this.infer(asked);
    if (this.asked.length > before) this.answer(value);
    return await response;
  }

  [Symbol.dispose](): void {
    this.cached[Symbol.dispose]();
  }
}

test("an equal request is answered without a run, with the id of who asks", async () => {
  using fake = new FakeService();
  const first = await fake.ask(request([1, 2], { id: "a" }));
  const second = await fake.ask(request([1, 2], { id: "b" }));
  assert.equal(fake.asked.length, 1);
  assert.deepEqual([first.id, second.id], ["a", "b"]);
  assert.deepEqual({ ...second, id: "a" }, first);
  assert.deepEqual(fake.outcomes, ["miss", "hit"]);
});

test("what a caller does to its answer is not in that of the next", async () => {
  using fake = new FakeService();
  const both = [fake.infer(request()), fake.infer(request()), fake.infer(request())];
  fake.answer(7);
  const answers = await Promise.all(both);
  answers.push(await fake.ask(request()), await fake.ask(request()));
  for (const { outputs } of answers) {
    assert.deepEqual(outputs[0]!.data, Float32Array.of(7));
    outputs[0]!.data.fill(0);
  }
  assert.deepEqual(fake.outcomes, ["miss", "joined", "joined", "hit", "hit"]);
});

test("equal requests that come together are one run; one that leaves does not end it for the others", async () => {
  using fake = new FakeService();
  const leaving = new AbortController();
  const first = fake.infer(request(), callOf(leaving.signal));
  const second = fake.infer(request());
  leaving.abort(new DOMException("", "TimeoutError"));
  await assert.rejects(first, { code: "DEADLINE_EXCEEDED" });
  assert.equal(fake.asked[0]!.call.signal.aborted, false);
  fake.answer(3);
  assert.deepEqual((await second).outputs[0]!.data, Float32Array.of(3));
  assert.deepEqual([fake.asked.length, fake.outcomes], [1, ["miss", "joined"]]);
});

test("when all have left, the run is called off and nothing is kept", async () => {
  using fake = new FakeService();
  const leaving = new AbortController();
  const both = [1, 2].map(() => fake.infer(request(), callOf(leaving.signal)));
  leaving.abort();
  for (const each of both) await assert.rejects(each, { code: "CANCELLED" });
  assert.equal(fake.asked[0]!.call.signal.aborted, true);
  await fake.ask(request());
  assert.equal(fake.asked.length, 2);
});

test("after a reload the old answer is not found, though the version's number is the same", async () => {
  using fake = new FakeService();
  await fake.ask(request(), 1);
  fake.digest = "second";
  assert.deepEqual((await fake.ask(request(), 2)).outputs[0]!.data, Float32Array.of(2));
  fake.digest = "first";
  assert.deepEqual((await fake.ask(request(), 3)).outputs[0]!.data, Float32Array.of(1));
});

test("an answer that another file gave than the one asked is given, and not kept", async () => {
  using fake = new FakeService();
  const first = fake.infer(request());
  const joined = fake.infer(request());
  fake.answer(2, "second");
  assert.deepEqual((await first).outputs[0]!.data, Float32Array.of(2));
  // Who had joined asks for itself.
  while (fake.asked.length < 2) await new Promise(setImmediate);
  fake.answer(2, "second");
  await joined;
  await fake.ask(request(), 4);
  assert.equal(fake.asked.length, 3);
});

test("an answer lives for its ttl", async () => {
  using fake = new FakeService();
  await fake.ask(request());
  fake.time = 999;
  await fake.ask(request());
  assert.equal(fake.asked.length, 1);
  fake.time = 1001;
  await fake.ask(request());
  assert.equal(fake.asked.length, 2);
});

test("a refusal that depends on the request alone is kept for a short time, without its stack and cause", async () => {
  using fake = new FakeService();
  const details = { input: "x" };
  const refusal = runtimeErrors.error("INPUT_SHAPE_MISMATCH", "Wrong.", { details, cause: new Error("why") });
  const first = fake.infer(request());
  fake.fail(refusal);
  await assert.rejects(first, refusal);
  await assert.rejects(fake.infer(request()), (thrown: typeof refusal) => {
    const { code, message, spec, cause } = thrown;
    assert.deepEqual(
      [code, message, thrown.details, spec, cause],
      [refusal.code, "Wrong.", details, refusal.spec, undefined],
    );
    assert.notEqual(thrown.stack, refusal.stack);
    return true;
  });
  assert.deepEqual([fake.asked.length, fake.outcomes], [1, ["miss", "negative"]]);
  fake.time = 101;
  await fake.ask(request());
  assert.equal(fake.asked.length, 2);
});

test("what may go otherwise a moment later, or for another caller, is not kept", async () => {
  using fake = new FakeService();
  const passing = [
    serveErrors.error("QUEUE_LIMIT", "Full."),
    serveErrors.error("VERSION_UNKNOWN", "None."),
    serveErrors.error("AUTH_REQUIRED", "Who?"),
    serveErrors.error("FORBIDDEN", "No."),
    runtimeErrors.error("RUN_FAILED", "Failed."),
    baseErrors.error("THREAD_CRASHED", "Crashed."),
    baseErrors.error("CANCELLED", "Left."),
    baseErrors.error("DEADLINE_EXCEEDED", "Late."),
  ];
  for (const [i, error] of passing.entries()) {
    const failing = fake.infer(request());
    const joined = fake.infer(request());
    assert.equal(fake.asked.length, i + 1, `after ${passing[i - 1]?.code}`);
    fake.fail(error);
    await assert.rejects(failing, error);
    await assert.rejects(joined, error);
  }
});

test("each model has its own times, or is not cached", async () => {
  const policies: Readonly<Record<string, CachePolicy>> = {
    brief: { ttlMs: 5, negativeTtlMs: 0 },
    other: { ttlMs: 50 },
  };
  using fake = new FakeService({ policyOf: (model) => policies[model] ?? null });
  for (const model of ["m", "brief", "other"]) {
    await fake.ask(request([1], { model }));
    await fake.ask(request([1], { model }));
  }
  assert.deepEqual(fake.outcomes, ["miss", "hit", "miss", "hit"]);
  assert.equal(fake.asked.length, 4);
  const refused = fake.infer(request([9], { model: "brief" }));
  fake.fail(serveErrors.error("REQUEST_INVALID", "Wrong."));
  await assert.rejects(refused);
  fake.time = 10;
  for (const model of ["brief", "other"]) await fake.ask(request([1], { model }));
  await fake.ask(request([9], { model: "brief" }));
  assert.deepEqual(fake.outcomes.slice(4), ["miss", "miss", "hit", "miss"]);
});

test("questions about images are remembered in the same way", async () => {
  using fake = new FakeService();
  const ask = (id: string, ...values: number[]) => {
    const images = [{ kind: "encoded", bytes: Uint8Array.from(values) } as const];
    return fake.cached.predict({ model: "m", id, images }, callOf());
  };
  const first = await ask("a", 1, 2);
  assert.deepEqual(await ask("b", 1, 2), { ...first, id: "b" });
  assert.equal((await ask("c", 1, 2, 3)).answers[0]!.width, 3);
  assert.deepEqual([fake.predictions, fake.outcomes], [2, ["miss", "hit", "miss"]]);
});

test("an answer that there is no room for is given all the same", async () => {
  using fake = new FakeService();
  const large = fake.infer(request());
  const data = new Float32Array(2 ** 18);
  const y = { name: "y", datatype: "FP32", shape: [2 ** 18], data } as const;
  fake.asked[0]!.answer.resolve({ model: "m", version: "1", digest: fake.digest, outputs: [y] });
  assert.equal((await large).outputs[0]!.data, data);
  await fake.ask(request());
  assert.equal(fake.asked.length, 2);
});

test("in front of the real service, whose answers say the digest they came from", async () => {
  await using folder = await openTemporaryFolder("cache");
  await writeFile(join(folder.path, "scaler.onnx"), scaler(3));
  await using repository = await openRepository(folder.path, { trial: "none" });
  const service = createInferenceService({
    repository,
    metadata: { name: "cupel", version: "0", extensions: [] },
  });
  const outcomes: unknown[] = [];
  const instruments = {
    ...silentInstruments,
    count: (_: string, labels: unknown) => void outcomes.push(labels),
  };
  using cached = withResponseCache(service, { repository, instruments, policyOf: () => ({ ttlMs: 60_000 }) });
  const asked = { ...request([1, 2, 3]), model: "scaler" };
  const answers = [await cached.infer(asked, callOf()), await cached.infer(asked, callOf())];
  assert.deepEqual(answers[1], answers[0]);
  assert.deepEqual(answers[1]!.outputs[0]!.data, Float32Array.of(3, 6, 9));
  await assert.rejects(cached.infer({ ...asked, model: "none" }, callOf()), { code: "MODEL_UNKNOWN" });
  await assert.rejects(cached.infer({ ...asked, version: "9" }, callOf()), { code: "VERSION_UNKNOWN" });
  const model = "scaler";
  assert.deepEqual(outcomes, [
    { model, outcome: "miss" },
    { model, outcome: "hit" },
  ]);
  assert.deepEqual(cached.metadata(), service.metadata());
});
