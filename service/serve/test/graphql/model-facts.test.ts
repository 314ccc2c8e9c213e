/** What fields were answered before: for whom, how long, and what an attack with names of nothing costs. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Clock } from "@cupel/base";
import { createPolicy, openPolicy } from "../../src/access/policy.ts";
import type { Call } from "../../src/core/call.ts";
import { serveErrors } from "../../src/errors.ts";
import { FieldCache } from "../../src/graphql/field-cache.ts";
import { FieldWork } from "../../src/graphql/field-work.ts";
import { createModelFacts } from "../../src/graphql/model-facts.ts";
import { fakeCall, fakeService } from "../support/fake-service.ts";

class ManualClock implements Clock {
  ms = 0;
  now = () => this.ms;
  monotonic = () => this.ms;
}

const callOf = (roles: readonly string[], id = "key:a"): Call => fakeCall({ principal: { id, roles } });

function open(policy = openPolicy, cacheMs = 1_000) {
  const clock = new ManualClock();
  const asked: string[] = [];
  let listed = 0;
  const service = fakeService((method, model) => asked.push(`${method} ${model}`));
  const entry = { name: "m", version: "1", state: "READY", reason: "" } as const;
  const index = () => {
    listed++;
    return [entry];
  };
  const facts = createModelFacts({ service, policy, cacheMs, clock, index });
  return { facts, asked, clock, listed: () => listed, [Symbol.dispose]: () => facts[Symbol.dispose]() };
}

async function codeOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return "OK";
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
}

/** A tenth in every run: what an attack costs the back end grows with its time alone. */
const count = process.env.CUPEL_LONG_TESTS ? 100_000 : 10_000;

describe("an attack with names of nothing", () => {
  for (const [name, keyOf] of [
    ["all different", (i: number) => [`absent${i}`, undefined]],
    ["versions of a model that is there", (i: number) => ["m", String(i + 2)]],
    ["no names at all", (i: number) => [`${"x".repeat(300)}/../${i}`, undefined]],
  ] as const) {
    test(`${count} of them, ${name}, cost the back end 1 % at most`, async () => {
      using opened = open();
      const { facts, asked, clock, listed } = opened;
      const call = callOf(["reader"]);
      let refused = 0;
      for (let i = 0; i < count; i++) {
        // A fast attacker: 10,000 a second.
        clock.ms += 0.1;
        const [model, version] = keyOf(i);
        if ((await codeOf(facts.metadata(model!, version, call))).endsWith("_UNKNOWN")) refused++;
      }
      assert.equal(refused, count);
      assert.ok(asked.length + listed() <= count / 100, `${asked.length} questions and ${listed()} lists`);
      assert.equal(await codeOf(facts.metadata("m", "1", call)), "OK");
    });
  }
});

describe("facts of models", () => {
  test("are asked for once in their time by callers of the same rights", async () => {
    using opened = open();
    const { facts, asked, clock } = opened;
    for (const id of ["key:a", "key:b"]) await facts.metadata("m", undefined, callOf(["x", "y"], id));
    await facts.metadata("m", undefined, callOf(["y", "x"]));
    assert.equal(asked.length, 1);
    await facts.metadata("m", undefined, callOf(["x"]));
    await facts.metadata("m", "1", callOf(["x"]));
    assert.equal(asked.length, 3, "other rights and other arguments are other questions");
    clock.ms += 1_001;
    await facts.metadata("m", undefined, callOf(["x"]));
    assert.equal(asked.length, 4);
    facts.changed();
    await facts.metadata("m", undefined, callOf(["x"]));
    assert.equal(asked.length, 5);
  });

  test("are refused to who may not know, whatever was answered to others", async () => {
    using opened = open(createPolicy([{ role: "reader", models: ["m"], actions: ["metadata"] }]));
    const { facts } = opened;
    assert.equal(await codeOf(facts.metadata("m", undefined, callOf(["reader"]))), "OK");
    assert.equal(await codeOf(facts.metadata("m", undefined, callOf([]))), "FORBIDDEN");
    assert.equal(
      await codeOf(facts.metadata("absent", undefined, callOf(["reader"]))),
      "FORBIDDEN",
      "the same as of one that is there",
    );
    assert.equal(await codeOf(facts.statistics("m", undefined, callOf(["reader"]))), "FORBIDDEN");
  });

  test("without a cache every question is asked", async () => {
    using opened = open(openPolicy, 0);
    for (let i = 0; i < 3; i++) await opened.facts.metadata("m", undefined, callOf([]));
    assert.equal(opened.asked.length, 3);
  });
});

describe("a cache of fields", () => {
  const key = { field: "f", principal: { id: "a", roles: [] }, args: ["k"] };

  test("has one question under way for a key", async () => {
    using cache = new FieldCache({ ttlMs: 1_000 });
    const { promise, resolve } = Promise.withResolvers<string>();
    let loads = 0;
    const load = () => {
      loads++;
      return promise;
    };
    const asked = [cache.read(key, load), cache.read(key, load), cache.read(key, load)];
    resolve("v");
    assert.deepEqual(await Promise.all(asked), ["v", "v", "v"]);
    assert.equal(loads, 1);
  });

  test("keeps that nothing is there for a shorter time, and no other refusal", async () => {
    const clock = new ManualClock();
    using cache = new FieldCache({ ttlMs: 10_000, clock });
    let loads = 0;
    const failing = (code: "MODEL_UNKNOWN" | "MODEL_NOT_READY") => () => {
      loads++;
      throw serveErrors.error(code, "so it is");
    };
    for (let i = 0; i < 3; i++)
      assert.equal(await codeOf(cache.read(key, failing("MODEL_UNKNOWN"))), "MODEL_UNKNOWN");
    assert.equal(loads, 1);
    clock.ms += 1_001;
    assert.equal(await codeOf(cache.read(key, failing("MODEL_NOT_READY"))), "MODEL_NOT_READY");
    assert.equal(await cache.read(key, () => "there"), "there");
    assert.equal(loads, 2);
  });
});

describe("the work of fields", () => {
  test("is done so much at once, in order, and none after the signal", async () => {
    const over = new AbortController();
    const work = new FieldWork(over.signal, 2);
    const begun: number[] = [];
    const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
    const results = Promise.allSettled(
      gates.map(({ promise }, i) =>
        work.run(async () => {
          begun.push(i);
          await promise;
        }),
      ),
    );
    gates[0]!.resolve();
    await new Promise(setImmediate);
    assert.deepEqual(begun, [0, 1, 2]);
    const reason = new Error("over");
    over.abort(reason);
    gates[1]!.resolve();
    gates[2]!.resolve();
    const settled = await results;
    assert.deepEqual(begun, [0, 1, 2]);
    assert.deepEqual(settled.slice(3), Array(2).fill({ status: "rejected", reason }));
  });
});
