/** Events of several processes: each is told what became of its own, and what was handed over is kept. */
import assert from "node:assert/strict";
import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { join } from "node:path";
import { after, test } from "node:test";
import { baseErrors, type WorkEvent } from "@cupel/base";
import { keepHandedEvents } from "../../src/processes/handed-events.ts";

cluster.setupPrimary({
  exec: join(import.meta.dirname, "../support/events-process.ts"),
  serialization: "advanced",
});
after(() => {
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill("SIGKILL");
});

async function start(): Promise<Worker> {
  const worker = cluster.fork();
  const [ready] = await once(worker, "message");
  assert.equal(ready, "ready");
  return worker;
}

/** What the process says of the next event of which it hears. */
async function told(worker: Worker): Promise<unknown> {
  for (;;) {
    const [message] = await once(worker, "message");
    if ("told" in message) return message.told;
  }
}

test("an event has its receipt when it is kept and no sooner, or the error of the record", async () => {
  const kept: WorkEvent[] = [];
  const begun = Promise.withResolvers<void>();
  const durable = Promise.withResolvers<void>();
  using _ = keepHandedEvents({
    async emit(event) {
      if (event.action === "REFUSED") throw baseErrors.error("DISK_FULL", "There is no room.");
      begun.resolve();
      await durable.promise;
      kept.push(event);
    },
  });
  const [first, second] = await Promise.all([start(), start()]);
  const ofFirst = told(first);
  first.send({ tell: ["SLOW"] });
  await begun.promise;
  // The answers of another process are its own.
  const ofSecond = told(second);
  second.send({ tell: ["REFUSED"] });
  assert.equal(await ofSecond, "DISK_FULL");
  assert.equal(kept.length, 0);
  durable.resolve();
  assert.equal(await ofFirst, "kept");
  assert.deepEqual(
    kept.map(({ action }) => action),
    ["SLOW"],
  );
});

test("a process that is killed leaves what it handed over to be kept", async () => {
  const kept: string[] = [];
  const begun = Promise.withResolvers<void>();
  const durable = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  using _ = keepHandedEvents({
    async emit({ action }) {
      begun.resolve();
      await durable.promise;
      kept.push(action);
      done.resolve();
    },
  });
  const worker = await start();
  worker.send({ tell: ["LAST"] });
  await begun.promise;
  worker.process.kill("SIGKILL");
  await once(worker, "exit");
  durable.resolve();
  await done.promise;
  assert.deepEqual(kept, ["LAST"]);
});

test("without the process that has the record nothing is taken for kept", async () => {
  using _ = keepHandedEvents({ emit: async () => {} });
  const worker = await start();
  worker.send({ tell: ["A", "B"], leave: true });
  const [status] = await once(worker, "exit");
  assert.equal(status, 0);
});
