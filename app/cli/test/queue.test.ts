/** A compression shared among machines: its jobs, the choice, and a real Redis with workers that end in the middle. */
import assert from "node:assert/strict";
import { mkdir, readdir, rm } from "node:fs/promises";
import test from "node:test";
import { silentProgress } from "@cupel/base";
import { cliErrors } from "../src/errors.ts";
import { type FleetJob, keyOf } from "../src/queue/fleet-job.ts";
import { readFailure } from "../src/queue/job-failure.ts";
import type { JobOrder, JobRunner } from "../src/queue/job-process.ts";
import { openQueue } from "../src/queue/open-queue.ts";
import { parseQueueUrl } from "../src/queue/queue-url.ts";
import { signUp, workersOf } from "../src/queue/roster.ts";
import { SharedFolder } from "../src/queue/shared-folder.ts";
import { type JobOutcome, mostAttempts, type SubmitOptions, submit } from "../src/queue/submit.ts";
import { work } from "../src/queue/work.ts";
import { cupelVersion } from "../src/version.ts";
import { code, job } from "./fleet-jobs.ts";
import { classifierBytes, cupel, prepared, type Scratch, scratch, spawnCupel } from "./harness.ts";
import { type RedisServer, startRedis, withoutRedis } from "./redis-server.ts";

/** What a job of the tests below does; it ends when the signal does. */
type Body = (order: JobOrder, share: SharedFolder, signal: AbortSignal) => Promise<void>;

const write: Body = async ({ key }, share) => {
  await share.putResult(
    key,
    `${JSON.stringify({ kind: "refused", key, code: "FLOOR_MISSED", message: "" })}\n`,
  );
};
const never: Body = (_order, _share, signal) =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

interface StartedWorker {
  stop(): Promise<{ readonly done: number; readonly returned: number; readonly failed: number }>;
  /** As a process that is killed: neither a word nor a sign any more. */
  kill(): void;
}

async function startWorker(
  url: string,
  share: SharedFolder,
  name: string,
  body: Body,
  stalledAfterMs = 400,
): Promise<StartedWorker> {
  const controller = new AbortController();
  const { signal } = controller;
  const dead = Promise.withResolvers<never>();
  dead.promise.catch(() => {});
  const queue = await openQueue(parseQueueUrl(url), { signal, remark: () => {} });
  const entry = await signUp(queue.client, name, share);
  let isDead = false;
  const openRunner = (): JobRunner => ({
    // Of a dead one nothing comes back.
    run: (order, until) =>
      isDead ? new Promise(() => {}) : Promise.race([body(order, share, until), dead.promise]),
    [Symbol.dispose]() {},
  });
  const ended = work(queue, share, {
    name,
    concurrency: 1,
    threads: 1,
    stalledAfterMs,
    signal,
    openRunner,
    say() {},
  });
  return {
    async stop() {
      controller.abort();
      const counts = await ended;
      await entry[Symbol.asyncDispose]();
      await queue[Symbol.asyncDispose]();
      return counts;
    },
    kill() {
      isDead = true;
      queue.client.disconnect();
      controller.abort();
    },
  };
}

async function submitAll(
  url: string,
  share: SharedFolder,
  jobs: ReadonlyMap<string, FleetJob>,
  options: Partial<SubmitOptions> = {},
): Promise<Map<string, JobOutcome>> {
  const outcomes = new Map<string, JobOutcome>();
  const signal = options.signal ?? new AbortController().signal;
  await using queue = await openQueue(parseQueueUrl(url), { signal, remark: () => {} });
  await submit(queue, share, jobs, {
    signal,
    progress: silentProgress,
    keepJobs: false,
    remark() {},
    ...options,
    onOutcome(key, outcome) {
      assert.ok(!outcomes.has(key), "an outcome came twice");
      outcomes.set(key, outcome);
      options.onOutcome?.(key, outcome);
    },
  });
  return outcomes;
}

function manyJobs(count: number): ReadonlyMap<string, FleetJob> {
  return new Map(
    Array.from({ length: count }, (_, seed) => job({ seed })).map((each) => [keyOf(each), each]),
  );
}

test("jobs of three workers, two killed with a job in hand and the queue restarted: each is done once", {
  skip: withoutRedis,
}, async () => {
  await using folder = await scratch();
  await using redis = await startRedis();
  const share = await SharedFolder.open(folder.path);
  const jobs = manyJobs(30);
  const hanging = Promise.withResolvers<void>();
  let held = 0;
  // Two workers take a job and never end it.
  const hangs: Body = (order, at, signal) => {
    if (++held === 2) hanging.resolve();
    return never(order, at, signal);
  };
  const killed = [
    await startWorker(redis.url, share, "a", hangs),
    await startWorker(redis.url, share, "b", hangs),
  ];
  const half = Promise.withResolvers<void>();
  const outcomes = submitAll(redis.url, share, jobs, {
    onOutcome: () => half.resolve(),
  });
  await hanging.promise;
  for (const each of killed) each.kill();
  const written = new Map<string, number>();
  const third = await startWorker(redis.url, share, "c", async (order, at) => {
    written.set(order.key, (written.get(order.key) ?? 0) + 1);
    await write(order, at, AbortSignal.abort());
  });
  await half.promise;
  await redis.restart();
  assert.deepEqual(new Set((await outcomes).keys()), new Set(jobs.keys()));
  assert.deepEqual(await share.finished(), new Set(jobs.keys()));
  assert.equal((await third.stop()).failed, 0);
  // All is known: no worker is needed, and no job comes into the queue.
  const remarks: string[] = [];
  const again = await submitAll(redis.url, share, jobs, {
    remark: (sentence) => void remarks.push(sentence),
  });
  assert.equal(again.size, jobs.size);
  assert.deepEqual(remarks, ["30 of 30 jobs were done before."]);
});

test("a job that crashes every time fails after its attempts, and a wrong one at once; the others go on", {
  skip: withoutRedis,
}, async () => {
  await using folder = await scratch();
  await using redis = await startRedis();
  const share = await SharedFolder.open(folder.path);
  const jobs = manyJobs(6);
  const [poison, wrong] = [...jobs.keys()];
  const tried = new Map<string, number>();
  const body: Body = async (order, at, signal) => {
    tried.set(order.key, (tried.get(order.key) ?? 0) + 1);
    if (order.key === poison) throw cliErrors.error("QUEUE_JOB_CRASHED", "It ended by SIGSEGV.");
    if (order.key === wrong) throw cliErrors.error("QUEUE_INPUT_CHANGED", "It changed.");
    await write(order, at, signal);
  };
  // Nothing stalls, however slow the machine: what is counted is attempts.
  const worker = await startWorker(redis.url, share, "one", body, 60_000);
  const outcomes = await submitAll(redis.url, share, jobs);
  assert.deepEqual(outcomes.get(poison!), {
    kind: "failed",
    code: "QUEUE_JOB_CRASHED",
    message: "It ended by SIGSEGV.",
    worker: "one",
  });
  assert.deepEqual([tried.get(poison!), tried.get(wrong!)], [mostAttempts, 1]);
  assert.equal([...outcomes.values()].filter(({ kind }) => kind === "refused").length, 4);
  // What failed is tried again by who asks again.
  await submitAll(redis.url, share, jobs);
  assert.deepEqual([tried.get(poison!), tried.get(wrong!)], [2 * mostAttempts, 2]);
  await worker.stop();
  assert.equal(readFailure("job stalled more than allowable limit").code, "QUEUE_JOB_LOST");
});

test("a worker that is asked to stop gives its job back at once, and an interrupt takes the waiting ones away", {
  skip: withoutRedis,
}, async () => {
  await using folder = await scratch();
  await using redis = await startRedis();
  const share = await SharedFolder.open(folder.path);
  const jobs = manyJobs(5);
  const taken = Promise.withResolvers<void>();
  const first = await startWorker(
    redis.url,
    share,
    "first",
    (order, at, signal) => {
      taken.resolve();
      return never(order, at, signal);
    },
    60_000,
  );
  for (const [keepJobs, left] of [
    [true, 5],
    [false, 0],
  ] as const) {
    const controller = new AbortController();
    const submitted = submitAll(redis.url, share, jobs, { signal: controller.signal, keepJobs });
    await taken.promise;
    if (keepJobs) assert.deepEqual(await first.stop(), { done: 0, failed: 0, returned: 1 });
    controller.abort();
    await assert.rejects(submitted, code("CANCELLED"));
    await using queue = await openQueue(parseQueueUrl(redis.url), {
      signal: new AbortController().signal,
      remark() {},
    });
    const waiting = new queue.bullmq.Queue(`cupel-${cupelVersion()}-${share.id}`, {
      connection: queue.client,
    });
    assert.equal(await waiting.getWaitingCount(), left);
    await waiting.close();
    assert.deepEqual(await workersOf(queue.client), []);
  }
});

test("a queue that is not there or refuses the password is an error with a code", {
  skip: withoutRedis,
}, async () => {
  await using redis = await startRedis("--requirepass", "hush");
  const open = async (url: string, password?: string) => {
    const { signal } = new AbortController();
    await using _ = await openQueue(parseQueueUrl(url, password), { signal, remark() {} });
  };
  const at = `127.0.0.1:${redis.port}`;
  await open(`redis://${at}`, "hush");
  for (const [url, expected] of [
    [`redis://${at}`, "QUEUE_DENIED"],
    [`redis://:hush-hush@${at}`, "QUEUE_DENIED"],
    [`redis://me:hush@${at}`, "QUEUE_DENIED"],
    ["redis://127.0.0.1:1", "QUEUE_UNREACHABLE"],
    ["redis://:hush@127.0.0.1:1", "QUEUE_UNREACHABLE"],
  ] as const) {
    await assert.rejects(
      open(url),
      (thrown) => code(expected)(thrown) && !/hush/.test(JSON.stringify(thrown) + String(thrown)),
      url,
    );
  }
});

test("options of a shared compression are refused alone, and those of one process with it", async () => {
  for (const [words, told] of [
    [["--share", "x"], /--share is of no use without --queue/],
    [["--keep-jobs"], /--keep-jobs is of no use without --queue/],
    [["--queue", "redis://h"], /--share/],
    [["--queue", "redis://h", "--share", ".", "--isolated"], /--isolated is of no use with --queue/],
    [
      ["--queue", "redis://h", "--share", ".", "--try", "8", "--bits", "4"],
      /--try cannot be given with --bits/,
    ],
  ] as const) {
    const { status, err } = await cupel("compress", "a.onnx", "--images", "b", "-o", "c.onnx", ...words);
    assert.equal(status, 64, err);
    assert.match(err, told);
  }
});

const isLong = Boolean(process.env.CUPEL_LONG_TESTS);

/** Resolves at a line that the process tells. */
function told(child: ReturnType<typeof spawnCupel>, pattern: RegExp): Promise<void> {
  return new Promise((resolve) => {
    child.stderr?.on("data", (text: string) => pattern.test(text) && resolve());
    child.on("close", () => resolve());
  });
}

async function fleetFolder(folder: Scratch, models: number): Promise<void> {
  await prepared(folder, { count: 40 });
  await rm(folder.at("model.onnx"));
  await mkdir(folder.at("in"));
  for (let at = 0; at < models; at++)
    await folder.write(`in/m${at}.onnx`, classifierBytes({ filters: 4, firstWeight: at / models }));
}

const worker = (redis: RedisServer, folder: Scratch) =>
  spawnCupel([
    "work",
    "--queue",
    redis.url,
    "--share",
    folder.path,
    "--stalled-after",
    "2",
    "--threads",
    "1",
  ]);

test("200 real jobs on three workers, two of them killed, the queue restarted: each has one result", {
  skip: withoutRedis || (isLong ? false : "it takes minutes: set CUPEL_LONG_TESTS"),
}, async () => {
  await using folder = await scratch();
  await using redis = await startRedis();
  await fleetFolder(folder, 50);
  const workers = [worker(redis, folder), worker(redis, folder), worker(redis, folder)];
  const order = [
    ...[
      "compress",
      folder.at("in"),
      "--images",
      folder.at("set-images-idx3-ubyte"),
      "--preprocessing",
      "preset=unit",
    ],
    ...["--queue", redis.url, "--share", folder.path, "--try", "8", "--try", "6", "--try", "4", "--try", "3"],
    ...[
      "--max-drop",
      "99",
      "--floor",
      "none",
      "--allow-chance",
      "--no-report",
      "-o",
      folder.at("out"),
      "--json",
    ],
  ];
  const submitter = spawnCupel(order);
  // In the middle of jobs: each has ended one, and has the next in hand.
  for (const each of workers.slice(0, 2)) {
    await told(each, /done in/);
    each.kill("SIGKILL");
  }
  await told(workers[2]!, /done in/);
  await redis.restart();
  const { status, out, err } = await submitter.ended;
  assert.equal(status, 0, err);
  assert.equal(JSON.parse(out).models.length, 50);
  assert.deepEqual(JSON.parse(out).failed, []);
  const results = await readdir(folder.at(".cupel-queue", "results"));
  assert.equal(results.length, 200);
  assert.equal((await readdir(folder.at("out"))).length, 50);
  workers[2]!.kill("SIGTERM");
  assert.equal((await workers[2]!.ended).status, 0);
  const again = await spawnCupel(order).ended;
  assert.match(again.err, /200 of 200 jobs were done before/);
});
