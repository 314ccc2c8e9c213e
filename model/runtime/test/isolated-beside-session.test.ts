/**
 * A server's view: models of strangers are tried one after the other, beside a session that answers all the while.
 * Twelve of them; 200 with CUPEL_LONG_TESTS.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { openIsolated, openSession } from "@cupel/runtime";
import { failureOf } from "./errors-of.ts";
import { hostileModels } from "./hostile-models.ts";
import { doubler } from "./tiny-models.ts";

const trials = process.env.CUPEL_LONG_TESTS ? 200 : 12;
const memory = 250e6;
/** A busy machine takes seconds to start a process: only the model that never ends is given less. */
const limitsFor = (code: string) => (code === "MODEL_OVER_TIME" ? { memory, time: 1200 } : { memory });

async function endsAs(code: string, bytes: () => Uint8Array): Promise<void> {
  const failure = await failureOf(openIsolated(bytes(), { threads: 1, limits: limitsFor(code) }));
  assert.equal(failure.code, code, failure.message);
}

/** Of this process, where the system tells. */
function held() {
  const count = (path: string) => (existsSync(path) ? readdirSync(path).length : 0);
  return {
    threads: count("/proc/self/task"),
    handles: count("/proc/self/fd"),
    folders: readdirSync(tmpdir()).filter(
      (name) => name.startsWith("cupel-") && name.includes(`-${process.pid}-`),
    ),
    resources: process
      .getActiveResourcesInfo()
      .filter((name) => !name.startsWith("FSReq"))
      .sort(),
  };
}

test(`${trials} hostile models stop no session beside them, and leave nothing`, async () => {
  await using session = await openSession(doubler(), { threads: 1 });
  const ask = async (value: number) => {
    const dims = [1, 3];
    const { y } = await session.run({
      x: { type: "float32", dims, data: Float32Array.of(value, -value, 0) },
    });
    assert.deepEqual(Array.from(y!.data as Float32Array), [2 * value, 0, 0]);
  };
  await ask(1);
  // The first trial opens what stays for all of them, such as a pipe to the thread that reads files.
  await endsAs(...hostileModels[0]!);
  const before = held();
  let answers = 0;
  let isOver = false;
  const answering = (async () => {
    while (!isOver) await ask(1 + (++answers % 1000));
  })();
  try {
    for (let i = 0; i < trials; i++) {
      const [code, bytes] = hostileModels[i % hostileModels.length]!;
      const answered = answers;
      await endsAs(code, bytes);
      assert.ok(answers > answered, `no answer during trial ${i + 1}`);
    }
  } finally {
    isOver = true;
    await answering;
  }
  assert.deepEqual(held(), before);
});
