/** One owner of a file at a time; a lock whose owner is gone, and only such a one, is taken over. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { lockFile } from "@cupel/base";
import { ownerMark } from "../src/owner-mark.ts";

let scratch: string;
/** The mark of a process that is gone. */
let dead: string;
const path = () => join(scratch, "run", "checkpoint.safetensors");
const lock = () => `${path()}.lock`;

before(async () => {
  const source = `import { ownerMark } from "./src/owner-mark.ts"; console.log(ownerMark());`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    cwd: join(import.meta.dirname, ".."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [told] = await once(child.stdout, "data");
  dead = String(told).trim();
  await once(child, "close");
});
beforeEach(async (t) => {
  scratch = await mkdtemp(join(tmpdir(), "test-lock-"));
  if ("after" in t) t.after(() => rm(scratch, { recursive: true, force: true }));
});
after(() => rm(scratch, { recursive: true, force: true }));

const refused = {
  code: "FILE_LOCKED",
  message: /checkpoint\.safetensors is being written by .*remove .*\.lock/,
};

/** As another owner leaves it: a living one renews its time. */
async function leave(owner: string, age: number): Promise<void> {
  await rm(lock(), { force: true });
  await using _ = await lockFile(path(), "training");
  const words = JSON.parse(await readFile(lock(), "utf8"));
  await rm(lock());
  await writeFile(lock(), JSON.stringify({ ...words, owner, host: "elsewhere", pid: 77, token: "another" }));
  const time = new Date(Date.now() - age);
  await utimes(lock(), time, time);
}

const elsewhere = () => ownerMark().replace(/^./, (digit) => (digit === "0" ? "1" : "0"));

test("a second owner is refused until the first is done, and nothing is left", async () => {
  {
    await using first = await lockFile(path(), "training");
    assert.equal(first.remark, null);
    await first.assertHeld();
    await assert.rejects(lockFile(path(), "training"), refused);
    await first.assertHeld();
  }
  assert.deepEqual(await readdir(scratch), [], "the folder it was made in has gone too");
  await using again = await lockFile(path(), "training");
  await again.assertHeld();
});

test("the lock of a process that is gone is taken over and told; by one of many at once", async () => {
  await leave(dead, 0);
  {
    await using one = await lockFile(path(), "training");
    assert.match(one.remark ?? "", /process 77 on elsewhere left .*\.lock behind .* taken over/);
  }
  await leave(dead, 0);
  const all = await Promise.allSettled(Array.from({ length: 8 }, () => lockFile(path(), "training")));
  const [held, ...more] = all.filter((each) => each.status === "fulfilled").map(({ value }) => value);
  assert.equal(more.length, 0, "one owner");
  await held!.assertHeld();
  for (const each of all) if (each.status === "rejected") assert.equal(each.reason.code, "FILE_LOCKED");
  await held![Symbol.asyncDispose]();
  assert.deepEqual(await readdir(scratch), ["run"]);
});

test("of another machine, one that is renewed holds, one that is not for long does not", async () => {
  await leave(elsewhere(), 60_000);
  await assert.rejects(lockFile(path(), "training"), { ...refused, message: /77 on elsewhere.*60 s ago/ });
  await leave(elsewhere(), 600_000);
  await using taken = await lockFile(path(), "training");
  assert.match(taken.remark ?? "", /10 min ago; it was taken over/);
});

test("a process that lives keeps its lock however old", async () => {
  await leave(ownerMark(), 1e9);
  await assert.rejects(lockFile(path(), "training"), refused);
});

test("a lock that says nothing holds while it is young", async () => {
  await using _ = await lockFile(join(scratch, "run", "other"), "training");
  for (const content of ["", "[]", "null", '{"owner":{}}', "\u0000"]) {
    await writeFile(lock(), content);
    await assert.rejects(lockFile(path(), "training"), refused);
  }
});

test("a lock has its words whenever it has its name, so that an owner killed at once leaves none that says nothing", async () => {
  await using _ = await lockFile(join(scratch, "run", "other"), "training");
  for (let round = 0; round < 30; round++) {
    let isMade = false;
    const making = lockFile(path(), "training").finally(() => {
      isMade = true;
    });
    while (!isMade) {
      const text = await readFile(lock(), "utf8").catch(() => null);
      if (text !== null) assert.equal(JSON.parse(text).owner, ownerMark());
    }
    await (await making)[Symbol.asyncDispose]();
  }
  assert.deepEqual(await readdir(join(scratch, "run")), ["other.lock"]);
});

test("an owner learns that its lock was taken or removed, and leaves the other's", async () => {
  const first = await lockFile(path(), "training");
  await rm(lock());
  await assert.rejects(first.assertHeld(), { code: "FILE_LOCKED", message: /removed or taken over/ });
  await using second = await lockFile(path(), "training");
  await assert.rejects(first.assertHeld(), { code: "FILE_LOCKED" });
  await first[Symbol.asyncDispose]();
  await second.assertHeld();
});

test("where no lock can be made, the path is told", async () => {
  await writeFile(join(scratch, "file"), "");
  await assert.rejects(lockFile(join(scratch, "file", "x"), "training"), {
    code: "WRITE_FAILED",
    message: /x\.lock/,
  });
});
