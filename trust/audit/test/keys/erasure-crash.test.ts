/** The power goes at any step, and of what was not flushed any blocks last: a subject is whole or erased, never half. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, openTemporaryFolder } from "@cupel/base";
import fc from "fast-check";
import { parseKeyId, RECORD_BYTES } from "../../src/keys/key-record.ts";
import { createLocalKeys } from "../../src/keys/local-keys.ts";
import type { SubjectKeys } from "../../src/keys/subject-keys.ts";
import { ForgetfulDisk, PowerCut } from "../support/forgetful-disk.ts";
import { keyRow, openTestKeys } from "../support/keys.ts";

const [old, current] = [keyRow("old"), keyRow("new")];
const subjects = ["a", "b", "c", "d", "e", "f"];

interface Known {
  readonly ids: string[];
  /** What lies in the file for each id. */
  readonly wrapped: Buffer[];
  readonly keys: Buffer[];
  state: "settled" | "erasing" | "erased";
}

/** Everybody has a key of the old generation and one of the new, and both last. */
async function prepare(
  folder: string,
  disk: ForgetfulDisk,
): Promise<{ keys: SubjectKeys; known: Map<string, Known> }> {
  const known = new Map<string, Known>();
  const note = (keys: SubjectKeys): void => {
    for (const subject of subjects) {
      const { id, key } = keys.keyOf(subject);
      const its = known.get(subject) ?? { ids: [], wrapped: [], keys: [], state: "settled" };
      known.set(subject, its);
      its.ids.push(id);
      its.keys.push(Buffer.from(key));
    }
  };
  {
    await using keys = await openTestKeys(folder, {
      provider: createLocalKeys("it", old),
      openFile: disk.open,
    });
    note(keys);
  }
  const keys = await reopen(folder, disk);
  note(keys);
  await keys.settled();
  const bytes = disk.bytesOf("subjects");
  for (const { ids, wrapped } of known.values()) {
    for (const id of ids) {
      const at = parseKeyId(id)!.number * RECORD_BYTES;
      wrapped.push(Buffer.from(bytes.subarray(at + 64, at + 128)));
    }
  }
  return { keys, known };
}

const reopen = (folder: string, disk: ForgetfulDisk) =>
  openTestKeys(folder, { provider: createLocalKeys("it", `${current}\n${old}`), openFile: disk.open });

/** Its locks are let go, whatever it cannot write any more. */
async function closeWithoutPower(keys: SubjectKeys): Promise<void> {
  try {
    await keys[Symbol.asyncDispose]();
  } catch (thrown) {
    assert.ok(thrown instanceof PowerCut);
  }
}

function check(keys: SubjectKeys, known: ReadonlyMap<string, Known>, disk: ForgetfulDisk): void {
  for (const [subject, { ids, wrapped, keys: before, state }] of known) {
    const found = ids.map((id) => keys.find(id));
    const erased = found.filter((each) => each === "erased").length;
    assert.ok(erased === 0 || erased === ids.length, `${subject} is half erased`);
    if (state === "settled") assert.equal(erased, 0, `${subject} is whole`);
    if (state === "erased") assert.equal(erased, ids.length, `${subject} is erased`);
    for (const [i, each] of found.entries()) {
      if (erased > 0)
        assert.ok(!disk.holds(wrapped[i]!.subarray(0, 16)) && !disk.holds(wrapped[i]!.subarray(48)));
      else assert.ok(typeof each === "object" && each.key.equals(before[i]!));
    }
    const now = keys.keyOf(subject).id;
    assert.equal(ids.includes(now), erased === 0);
  }
}

test("at every step of erasures, with any blocks lost", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 24 }),
      fc.integer(),
      fc.uniqueArray(fc.constantFrom(...subjects), { minLength: 1, maxLength: 4 }),
      async (step, seed, erased) => {
        await using folder = await openTemporaryFolder("crash");
        const disk = new ForgetfulDisk();
        const { keys, known } = await prepare(folder.path, disk);
        disk.stepsLeft = step;
        try {
          for (const subject of erased) {
            const its = known.get(subject)!;
            its.state = "erasing";
            await keys.erase(subject);
            its.state = "erased";
            keys.keyOf(`new ${subject}`);
          }
        } catch (thrown) {
          assert.ok(thrown instanceof PowerCut);
        }
        disk.stepsLeft = Math.min(disk.stepsLeft, 0);
        await closeWithoutPower(keys);
        const random = createRandom(seed);
        disk.cutPower(() => random.integer(2) === 0);
        // The power goes again while what was left is finished.
        disk.stepsLeft = random.integer(6);
        await reopen(folder.path, disk).then(closeWithoutPower, (thrown) =>
          assert.ok(thrown instanceof PowerCut),
        );
        disk.cutPower(() => random.integer(2) === 0);
        await using after = await reopen(folder.path, disk);
        check(after, known, disk);
      },
    ),
    { numRuns: 250 },
  );
});

test("a key that settled lasts; one that did not is nobody's", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 12 }), fc.integer(), async (step, seed) => {
      await using folder = await openTemporaryFolder("crash");
      const disk = new ForgetfulDisk();
      const keys = await reopen(folder.path, disk);
      const settled = new Map<string, string>();
      const random = createRandom(seed);
      disk.stepsLeft = step;
      try {
        for (let i = 0; i < 40; i += 8) {
          const batch = Array.from({ length: 1 + random.integer(8) }, (_, j) => `u${i + j}`);
          const ids = batch.map((subject) => [subject, keys.keyOf(subject).id] as const);
          await keys.settled();
          for (const [subject, id] of ids) settled.set(subject, id);
        }
      } catch (thrown) {
        assert.ok(thrown instanceof PowerCut);
      }
      disk.stepsLeft = Math.min(disk.stepsLeft, 0);
      await closeWithoutPower(keys);
      disk.cutPower(() => random.integer(2) === 0);
      await using after = await reopen(folder.path, disk);
      for (const [subject, id] of settled) assert.equal(after.keyOf(subject).id, id);
      for (let i = 0; i < 50; i++) after.keyOf(`later ${i}`);
      await after.settled();
      for (const [subject, id] of settled) {
        assert.equal(after.keyOf(subject).id, id);
        assert.equal(typeof after.find(id), "object");
      }
    }),
    { numRuns: 200 },
  );
});
