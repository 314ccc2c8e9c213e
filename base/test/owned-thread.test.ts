/** The owner of a thread settles every promise, whatever becomes of the thread. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { baseErrors, CupelError, moduleBeside, OwnedThread } from "@cupel/base";
import type { CountingTask } from "./threads/counting-thread.ts";

const entry = moduleBeside(new URL("./threads/x.ts", import.meta.url).href, "counting-thread");

function start(): OwnedThread<CountingTask, number> {
  return new OwnedThread(entry, {
    name: "counting",
    data: 100,
    closed: () => baseErrors.error("OPTION_INVALID", "The thread is closed."),
    advice: "Start another.",
  });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown: unknown = await work.then(
    () => assert.fail("it was to fail"),
    (reason) => reason,
  );
  return thrown instanceof CupelError ? thrown.code : String(thrown);
}

test("tasks are done in the order they were asked for, and counted while they are not", async () => {
  const thread = start();
  const sums = [1, 2, 3].map((add) => thread.perform({ add }));
  assert.equal(thread.pending, 3);
  assert.deepEqual(await Promise.all(sums), [101, 103, 106]);
  assert.equal(thread.pending, 0);
  await thread.close();
  assert.equal(await thread.ended, null);
});

test("a task that fails fails alone, with its cause", async () => {
  const thread = start();
  const thrown: unknown = await thread.perform({ fail: "no room" }).catch((reason) => reason);
  assert.ok(thrown instanceof CupelError && thrown.code === "DISK_FULL" && thrown.spec.exit === 74);
  assert.ok(thrown.cause instanceof Error && thrown.cause.name === "RangeError");
  assert.equal(await thread.perform({ add: 1 }), 101);
  await thread.close();
});

test("a cancelled task that has not begun never begins", async () => {
  const thread = start();
  const controller = new AbortController();
  const first = thread.perform({ wait: 50 });
  const second = thread.perform({ add: 1 }, { signal: controller.signal });
  controller.abort();
  assert.equal(await codeOf(second), "CANCELLED");
  assert.equal(await first, 100);
  assert.equal(await thread.perform({ add: 10 }), 110);
  assert.equal(await codeOf(thread.perform({ add: 1 }, { signal: controller.signal })), "CANCELLED");
  await thread.close();
});

test("a task whose time runs out says so", async () => {
  const thread = start();
  const late = thread.perform({ heed: 60_000 }, { signal: AbortSignal.timeout(20), what: "The count" });
  await assert.rejects(late, { code: "DEADLINE_EXCEEDED", message: /^The count did not finish/ });
});

test("a task in hand is told that nobody waits for it, be it cancelled or the thread closed", async () => {
  const thread = start();
  const controller = new AbortController();
  const cancelled = thread.perform({ heed: 60_000 }, { signal: controller.signal });
  setTimeout(() => controller.abort(), 30);
  assert.equal(await codeOf(cancelled), "CANCELLED");
  assert.equal(await thread.perform({ add: 1 }), 101);
  const left = codeOf(thread.perform({ heed: 60_000 }));
  await thread.close();
  assert.equal(await left, "OPTION_INVALID");
});

test("a cancelled task is pending until the thread has dropped it", async () => {
  const thread = start();
  const controller = new AbortController();
  const first = thread.perform({ wait: 50 });
  const second = codeOf(thread.perform({ add: 1 }, { signal: controller.signal }));
  controller.abort();
  assert.equal(await second, "CANCELLED");
  assert.equal(thread.pending, 2);
  await first;
  await thread.perform({ add: 1 });
  assert.equal(thread.pending, 0);
  await thread.close();
});

test("an owner can ask why no further task is taken", async () => {
  const thread = start();
  const codes = [thread.finished?.code];
  const closing = thread.close({ drain: true });
  codes.push(thread.finished?.code);
  assert.deepEqual(codes, [undefined, "OPTION_INVALID"]);
  await closing;
});

test("close fails what has not been done, and a drained close does it first", async () => {
  const abrupt = start();
  const [inHand, waiting] = [abrupt.perform({ wait: 30 }), abrupt.perform({ add: 1 })];
  const closing = abrupt.close();
  assert.equal(await codeOf(inHand), "OPTION_INVALID");
  assert.equal(await codeOf(waiting), "OPTION_INVALID");
  await closing;
  await abrupt.close();

  const drained = start();
  const all = [drained.perform({ wait: 30 }), drained.perform({ add: 1 }), drained.perform({ add: 1 })];
  const ending = drained.close({ drain: true });
  assert.equal(await codeOf(drained.perform({ add: 1 })), "OPTION_INVALID");
  assert.deepEqual(await Promise.all(all), [100, 101, 102]);
  await ending;
});

for (const [how, task, saying] of [
  ["ends by itself", { exit: 3 }, /counting crashed \(it ended with status 3\)\. Start another\./],
  ["throws where nobody catches", { crash: "bang" }, /counting crashed \(bang\)/],
] as const) {
  test(`a thread that ${how} fails every task, and its owner knows at once`, async () => {
    const thread = start();
    const tasks = [thread.perform(task), thread.perform({ add: 1 })];
    for (const each of tasks) await assert.rejects(each, { code: "THREAD_CRASHED", message: saying });
    const ended = await thread.ended;
    assert.equal(ended?.code, "THREAD_CRASHED");
    assert.equal(await codeOf(thread.perform({ add: 1 })), "THREAD_CRASHED");
    await thread.close();
  });
}

test("an idle thread does not keep the process alive", async () => {
  const { execFileSync } = await import("node:child_process");
  const program = `
    import { baseErrors, OwnedThread } from "@cupel/base";
    const thread = new OwnedThread(new URL(${JSON.stringify(entry.href)}), {
      name: "idle", data: 1, closed: () => baseErrors.error("INTERNAL", ""), advice: "" });
    console.log(await thread.perform({ add: 1 }));`;
  const out = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: import.meta.dirname,
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.equal(out.trim(), "2");
});
