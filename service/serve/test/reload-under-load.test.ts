/** Twenty replacements of a model in use, some of them broken, one copied in slowly: no request notices. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { open, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openTemporaryFolder, type WorkEvent } from "@cupel/base";
import { anonymous, type Call } from "../src/core/call.ts";
import { openRepository } from "../src/repository/open-repository.ts";
import { scaler } from "./support/tiny-models.ts";

const replacements = 20;
const slow = 13;
const isBroken = (i: number) => i % 5 === 2 || i % 5 === 4;

const call = (): Call => ({
  face: "rest",
  principal: anonymous,
  signal: new AbortController().signal,
  address: "",
  times: {},
});

test("20 replacements under load, 8 of them broken and one copied in slowly: 0 failed runs, right values", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  const path = join(folder.path, "x.onnx");
  const other = join(folder.path, "other.onnx");
  const factors = new Map<string, number>();
  const bytesOf = (factor: number) => {
    const bytes = scaler(factor);
    factors.set(hash("sha256", bytes, "hex"), factor);
    return bytes;
  };
  await writeFile(path, bytesOf(1));
  await writeFile(other, scaler(100));
  const events: WorkEvent[] = [];
  await using repository = await openRepository(folder.path, {
    trial: "none",
    threads: 1,
    pollMs: 20,
    sink: { emit: async (event) => void events.push(event) },
  });
  const untouched = repository.versions("other")[0]?.sessionId;

  let isOver = false;
  const answers: { readonly factor: number | undefined; readonly values: readonly number[] }[] = [];
  const user = async (input: number) => {
    while (!isOver) {
      using lease = repository.lease("x");
      // Held over a while, as a request in a queue holds it.
      await delay(10);
      const x = { type: "float32", dims: [1, 3], data: Float32Array.of(input, 2, 3) } as const;
      const { outputs } = await lease.version.run({ x }, { call: call() });
      answers.push({
        factor: factors.get(lease.version.digest),
        values: [...(outputs.y?.data ?? [])].map((value) => Number(value)),
      });
    }
  };
  const users = [user(1), user(1)];

  let serving = 1;
  for (let i = 1; i <= replacements; i++) {
    const failed = events.filter(({ action }) => action === "MODEL.LOAD.FAIL").length;
    const bytes = bytesOf(i + 1);
    if (i === slow) {
      await using file = await open(path, "w");
      for (let at = 0; at < bytes.length; at += 24) {
        await file.write(bytes.subarray(at, at + 24));
        await delay(15);
      }
    } else {
      const put = isBroken(i) ? bytes.subarray(0, bytes.length - i) : bytes;
      await writeFile(`${path}.part`, put);
      await rename(`${path}.part`, path);
    }
    if (isBroken(i)) {
      await until(() => events.filter(({ action }) => action === "MODEL.LOAD.FAIL").length > failed);
    } else {
      serving = i + 1;
      await until(() => factors.get(repository.versions("x")[0]?.digest ?? "") === serving);
    }
    await delay(5);
  }
  isOver = true;
  await Promise.all(users);

  for (const { factor, values } of answers) {
    assert.ok(factor !== undefined);
    assert.deepEqual(values, [factor, 2 * factor, 3 * factor]);
  }
  const answered = new Set(answers.map(({ factor }) => factor));
  assert.ok(answered.size >= 8, `requests met ${answered.size} of the versions`);
  assert.equal(repository.versions("other")[0]?.sessionId, untouched);
  const count = (action: string) => events.filter((event) => event.action === action).length;
  assert.deepEqual([count("MODEL.RELOAD"), count("MODEL.LOAD")], [12, 2]);
  // A copy that stands still for two looks is tried, and refused: this machine may be that busy.
  const broken = events.filter(({ action, object }) => action === "MODEL.LOAD.FAIL" && object.digest !== "");
  assert.ok(count("MODEL.LOAD.FAIL") >= 8, `${count("MODEL.LOAD.FAIL")} failures were told`);
  assert.ok(broken.every(({ object }) => !factors.has(object.digest ?? "")));
});

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !holds(); i++) await delay(5);
  assert.ok(holds(), "it did not come to that within 10 s");
}
