/** The threads of all runs in the engine at once stay within the budget, and every run has its turn. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { afterEach, suite, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { moduleBeside } from "@cupel/base";
import { engineThreads, openSession, setEngineThreads, type TensorData } from "@cupel/runtime";
import { type BudgetPlace, EngineBudget, engineBudget } from "../src/session/engine-budget.ts";
import { startEngineThread } from "../src/session/engine-thread.ts";
import { createGuardMemory } from "../src/session/exit-guard.ts";
import { createSession } from "../src/session/session.ts";
import { failureOf } from "./errors-of.ts";
import { slowModel } from "./tiny-models.ts";

const never = new AbortController().signal;

/** Asks for a run at once. `begun` lists the names of those whose turn has come, in that order. */
function asking(budget: EngineBudget) {
  const begun: string[] = [];
  const ask = (name: string, place: BudgetPlace, signal = never) => {
    const turn = budget.acquire(place, signal).then(() => {
      begun.push(name);
    });
    turn.catch(() => {});
    return turn;
  };
  return { begun, ask };
}

suite("turns", () => {
  test("runs begin as long as their threads fit, and then in the order they were asked for", async () => {
    const budget = EngineBudget.create(4);
    const { begun, ask } = asking(budget);
    const [a, b, wide, c] = [2, 2, 3, 1].map((threads) => budget.join(threads));
    const turns = [ask("a", a!), ask("b", b!), ask("wide", wide!), ask("c", c!)];
    await Promise.all(turns.slice(0, 2));
    await setImmediate();
    assert.deepEqual(begun, ["a", "b"]);
    assert.equal(budget.used, 4);
    budget.release(a!);
    await setImmediate();
    assert.deepEqual(begun, ["a", "b"], "a narrow run does not overtake a wide one");
    budget.release(b!);
    await Promise.all(turns);
    assert.deepEqual(begun, ["a", "b", "wide", "c"]);
    budget.release(wide!);
    budget.release(c!);
    assert.equal(budget.used, 0);
  });

  test("a session with more threads than the budget, or as many as there are, takes all of it, alone", async () => {
    const budget = EngineBudget.create(2);
    for (const threads of [16, 0]) {
      const { begun, ask } = asking(budget);
      const [wide, narrow] = [budget.join(threads), budget.join(1)];
      await ask("wide", wide);
      const turn = ask("narrow", narrow);
      await setImmediate();
      assert.deepEqual([begun, budget.used], [["wide"], 2]);
      budget.release(wide);
      await turn;
      budget.release(narrow);
    }
  });

  test("a run that is cancelled while it waits leaves its turn to the next", async () => {
    const budget = EngineBudget.create(1);
    const { begun, ask } = asking(budget);
    const [a, b, c] = [1, 1, 1].map((threads) => budget.join(threads));
    const abort = new AbortController();
    await ask("a", a!);
    const cancelled = ask("b", b!, abort.signal);
    const turn = ask("c", c!);
    abort.abort();
    assert.equal((await failureOf(cancelled)).code, "CANCELLED");
    budget.release(a!);
    await turn;
    assert.deepEqual(begun, ["a", "c"]);
    budget.release(c!);
    await ask("b again", b!);
    budget.release(b!);
    assert.equal(budget.used, 0);
  });

  test("a session that leaves gives back what it holds and what it waits for, once", async () => {
    const budget = EngineBudget.create(1);
    const { begun, ask } = asking(budget);
    const [holds, waits, next] = [1, 1, 1].map((threads) => budget.join(threads));
    await ask("holds", holds!);
    ask("waits", waits!);
    const turn = ask("next", next!);
    budget.leave(waits!);
    budget.leave(holds!);
    await turn;
    assert.equal(begun.at(-1), "next");
    const again = budget.join(1);
    assert.equal(again.index, holds!.index, "places are used again");
    budget.leave(holds!);
    budget.release(holds!);
    budget.release(next!);
    await ask("again", again);
    assert.equal(budget.used, 1, "what left before does not give back what another holds");
  });

  test("a larger budget lets those who wait begin at once; a smaller one holds from the next run on", async () => {
    const budget = EngineBudget.create(1);
    const { begun, ask } = asking(budget);
    const [a, b, c] = [1, 1, 2].map((threads) => budget.join(threads));
    await ask("a", a!);
    const turn = ask("b", b!);
    budget.setLimit(2);
    await turn;
    budget.setLimit(1);
    const last = ask("c", c!);
    budget.release(a!);
    await setImmediate();
    assert.deepEqual(begun, ["a", "b"]);
    budget.release(b!);
    await last;
    assert.equal(budget.used, 1);
  });

  test("threads that take turns ten thousand times never exceed it, and none waits for ever", async () => {
    const budget = EngineBudget.create(3);
    const entry = moduleBeside(import.meta.url, "budget-worker");
    const most = await Promise.all(
      [1, 1, 2, 3, 5].map((threads) => {
        const workerData = { memory: budget.memory, place: budget.join(threads), runs: 2_000 };
        return new Promise<number>((resolve, reject) => {
          new Worker(entry, { workerData }).once("message", resolve).once("error", reject);
        });
      }),
    );
    assert.equal(Math.max(...most), 3);
    assert.equal(budget.used, 0);
  });
});

test("a session's thread does not touch the budget any more once its owner is leaving: it would be stopped in it", async () => {
  const budget = EngineBudget.create(1);
  const guard = createGuardMemory();
  const inThread = new EngineBudget(budget.memory, guard);
  const place = budget.join(1);
  await inThread.acquire(place, never);
  assert.equal(budget.used, 1);
  inThread.release(place);
  assert.equal(budget.used, 0);
  assert.equal(guard[0], 0, "nothing is waited for between two turns");
  await inThread.acquire(place, never);
  // As process exit says it in the owner.
  guard[1] = 1;
  inThread.release(place);
  assert.equal(budget.used, 1, "the owner gives back what the thread held");
  budget.leave(place);
  await inThread.acquire(budget.join(1), never);
  assert.deepEqual([budget.used, guard[0]], [0, 0]);
});

suite("of the process", () => {
  afterEach(() => setEngineThreads(availableParallelism()));

  const square = (): TensorData => ({
    type: "float32",
    dims: [512, 512],
    data: new Float32Array(512 * 512),
  });

  test("it is the cores this process may use, unless it is set", () => {
    assert.equal(engineThreads(), availableParallelism());
    setEngineThreads(7);
    assert.equal(engineThreads(), 7);
    for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => setEngineThreads(wrong), { code: "OPTION_INVALID" });
    }
    assert.equal(engineThreads(), 7);
  });

  test("sessions of several threads take turns within it, and all their runs are answered", async () => {
    setEngineThreads(1);
    const sessions = await Promise.all([1, 2, 8].map((threads) => openSession(slowModel(), { threads })));
    let most = 0;
    const look = setInterval(() => {
      most = Math.max(most, engineBudget().used);
    }, 1);
    await Promise.all(sessions.flatMap((session) => [1, 2].map(() => session.run({ x: square() }))));
    clearInterval(look);
    assert.equal(most, 1);
    await Promise.all(sessions.map((session) => session.close()));
    assert.equal(engineBudget().used, 0);
  });

  test("a session can be closed, and its runs cancelled, while they wait for others", async () => {
    setEngineThreads(1);
    const budget = engineBudget();
    const place = budget.join(1);
    await budget.acquire(place, never);
    await using cancelled = await openSession(slowModel(), { threads: 1 });
    const closed = await openSession(slowModel(), { threads: 1 });
    const abort = new AbortController();
    const failures = [
      failureOf(cancelled.run({ x: square() }, { signal: abort.signal })),
      failureOf(closed.run({ x: square() })),
    ];
    abort.abort();
    await closed.close();
    assert.deepEqual(
      (await Promise.all(failures)).map(({ code }) => code),
      ["CANCELLED", "SESSION_CLOSED"],
    );
    const next = cancelled.run({ x: square() });
    budget.leave(place);
    await next;
    assert.equal(budget.used, 0);
  });

  test("the threads of a run whose session crashes are given back", async () => {
    setEngineThreads(1);
    const thread = startEngineThread(moduleBeside(import.meta.url, "crashing-worker"), 1);
    const session = createSession(
      { thread, inputs: [{ name: "hold", type: "float32", dims: [] }], outputs: [] },
      8,
    );
    const hold: TensorData = { type: "float32", dims: [], data: Float32Array.of(1) };
    const failure = failureOf(session.run({ hold }));
    assert.match((await failure).message, /status 5/, "it ended holding them");
    await using other = await openSession(slowModel(), { threads: 1 });
    await other.run({ x: square() });
    assert.equal(engineBudget().used, 0);
  });

  async function program(body: string): Promise<string> {
    const source = `
      import { Worker } from "node:worker_threads";
      import { engineThreads, openSession, setEngineThreads } from "@cupel/runtime";
      import { slowModel } from "./tiny-models.ts";
      const x = { type: "float32", dims: [512, 512], data: new Float32Array(512 * 512) };
      ${body}
    `;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "--eval", source],
      { cwd: import.meta.dirname, timeout: 120_000 },
    );
    return stdout;
  }

  test("worker threads share the budget of the thread that started them", async () => {
    const out = await program(`
      setEngineThreads(3);
      const inside = 'import { parentPort } from "node:worker_threads";' +
        'import { engineThreads, setEngineThreads } from "@cupel/runtime";' +
        'parentPort.postMessage(engineThreads()); setEngineThreads(5);';
      const worker = new Worker(inside, { eval: true });
      worker.once("message", (threads) => console.log(threads));
      worker.once("exit", () => console.log(engineThreads()));
    `);
    assert.equal(out, "3\n5\n");
  });

  test("a worker thread that ends with a session in the engine gives back what it held", async () => {
    const out = await program(`
      setEngineThreads(1);
      const inside = 'import { openSession } from "@cupel/runtime";' +
        'import { slowModel } from "./tiny-models.ts";' +
        'const x = { type: "float32", dims: [512, 512], data: new Float32Array(512 * 512) };' +
        'const session = await openSession(slowModel());' +
        'session.run({ x }).catch(() => {}); session.run({ x }).catch(() => {});' +
        'setTimeout(() => process.exit(0), 30);';
      const worker = new Worker(inside, { eval: true });
      await new Promise((ended) => worker.once("exit", ended));
      const session = await openSession(slowModel());
      await session.run({ x });
      console.log("answered");
    `);
    assert.equal(out, "answered\n");
  });
});
