/**
 * Models that nobody vouches for, straight to the engine in a process of its own, without the checks that the commands
 * make before: whatever they do, the caller is told what and goes on, and nothing is left.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openTemporaryFolder } from "@cupel/base";
import { Tensor, writeModelFile } from "@cupel/onnx";
import { openIsolated, runtimeErrors, tryIsolated } from "@cupel/runtime";
import { failureOf } from "./errors-of.ts";
import { blankInput, doubling, expanding } from "./hostile-models.ts";
import { doubler, matrixModel, slowModel } from "./tiny-models.ts";

const threads = 1;
const MB = 1e6;

async function held() {
  const names = await readdir(tmpdir());
  return {
    folders: names.filter((name) => name.startsWith("cupel-trial-") && name.includes(`-${process.pid}-`)),
    resources: process
      .getActiveResourcesInfo()
      .filter((name) => name !== "FSReqPromise")
      .sort(),
  };
}

/** Whatever comes of it, there are as many processes, pipes, timers and folders afterwards as before. */
async function leavingNothing<T>(body: () => Promise<T>): Promise<T> {
  const before = await held();
  const result = await body();
  assert.deepEqual(await held(), before);
  return result;
}

const isRunning = () => process.getActiveResourcesInfo().includes("ProcessWrap");

async function whenRunning(): Promise<void> {
  while (!isRunning()) await sleep(1);
}

test("a blank input crashes the engine: the caller is told where, and goes on", async () => {
  const { code, message, details } = await leavingNothing(() =>
    failureOf(openIsolated(blankInput("Sum"), { threads })),
  );
  assert.equal(code, "MODEL_CRASHED_ENGINE");
  assert.match(message, /crashed on the model while it was run on "x" \[1, 3\]: .* ended by SIG[A-Z]+\./);
  assert.match(String(details.reason), /^SIG/);
});

test("a model that grows in its first run is ended at the limit of memory", async () => {
  const { code, message, details } = await leavingNothing(() =>
    failureOf(tryIsolated(expanding(), { threads, limits: { memory: 300 * MB } })),
  );
  assert.equal(code, "MODEL_OVER_MEMORY");
  assert.match(message, /the model took more memory than its limit of 300 MB .*may be given more/);
  assert.equal(details.doing, 'run on "x" [1]');
  assert.ok(Number(details.resident) > 300 * MB);
});

test("one that grows while it is loaded is ended though the caller's main thread is blocked", async () => {
  const { code, details } = await leavingNothing(async () => {
    const failing = failureOf(tryIsolated(doubling(), { threads, limits: { memory: 250 * MB } }));
    await whenRunning();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
    return await failing;
  });
  assert.equal(code, "MODEL_OVER_MEMORY");
  assert.equal(details.doing, "being loaded");
  // Two seconds without a guard would be a gigabyte.
  assert.ok(Number(details.resident) < 450 * MB, `${details.resident}`);
});

test("a model that does not come to an end is ended at the limit of time; cancellation ends one at once", async () => {
  const slow = slowModel(3000);
  const late = await leavingNothing(() => failureOf(tryIsolated(slow, { threads, limits: { time: 1200 } })));
  assert.equal(late.code, "MODEL_OVER_TIME");
  assert.match(late.message, /not done after the limit of 1\.2 s; it was .*may be given more/);
  const abort = new AbortController();
  const cancelled = await leavingNothing(async () => {
    const failing = failureOf(openIsolated(slow, { threads, signal: abort.signal }));
    await whenRunning();
    abort.abort();
    return await failing;
  });
  assert.equal(cancelled.code, "CANCELLED");
  assert.equal((await failureOf(openIsolated(slow, { signal: abort.signal }))).code, "CANCELLED");
});

test("a trial whose caller is killed ends too", {
  skip: process.platform !== "linux" && "looks for the processes in /proc",
}, async () => {
  const body = `
    import { tryIsolated } from "@cupel/runtime";
    import { slowModel } from "./tiny-models.ts";
    await tryIsolated(slowModel(3000), { threads: 1 });
  `;
  const caller = spawn(process.execPath, ["--input-type=module", "--eval", body], {
    cwd: import.meta.dirname,
    stdio: "ignore",
  });
  let trial = "";
  while (trial === "") {
    await sleep(5);
    trial = (await readFile(`/proc/${caller.pid}/task/${caller.pid}/children`, "utf8")).trim();
  }
  caller.kill("SIGKILL");
  // It may stay as a zombie where nobody takes in orphans.
  const state = () => readFile(`/proc/${trial}/stat`, "utf8").then((stat) => /\) (.)/.exec(stat)?.[1]);
  while (!["Z", "X", "gone"].includes((await state().catch(() => "gone")) ?? "")) await sleep(5);
});

test("a model that runs gives an ordinary session; its bytes are still the caller's", async () => {
  const bytes = doubler();
  const x = { type: "float32", dims: [2, 3], data: Float32Array.of(1, 2, 3, -4, 5, 6) } as const;
  const outputs = await leavingNothing(async () => {
    await using session = await openIsolated(bytes, { threads, taps: ["twice"] });
    return await session.run({ x });
  });
  assert.deepEqual([...outputs.y!.data], [2, 4, 6, 0, 10, 12]);
  assert.deepEqual([...outputs.twice!.data], [2, 4, 6, -8, 10, 12]);
  assert.ok(bytes.byteLength > 0);
});

test("a file with its weights beside it is tried where it lies; one that the engine refuses is told by its name", async () => {
  await using folder = await openTemporaryFolder("isolated");
  const path = join(folder.path, "matrix.onnx");
  const weight = Tensor.float32([1024, 512], new Float32Array(1024 * 512));
  await writeModelFile(matrixModel(weight), path, { externalData: {} });
  const { fed, peakResident } = await tryIsolated(path, { threads });
  assert.deepEqual(fed, [{ name: "x", dims: [1, 1024] }]);
  assert.ok(peakResident === null || (peakResident > 30 * MB && peakResident < 500 * MB), `${peakResident}`);
  const missing = join(folder.path, "missing.onnx");
  const failure = await leavingNothing(() => failureOf(tryIsolated(missing, { threads })));
  assert.equal(failure.code, "MODEL_NOT_FOUND");
  assert.ok(failure.message.includes(missing));
});

test("limits that are none are refused before anything is started", async () => {
  for (const limits of [{ memory: 0 }, { memory: Number.NaN }, { time: -1 }, { time: 2 ** 40 }]) {
    const failure = await failureOf(tryIsolated(doubler(), { limits }));
    assert.equal(failure.code, "OPTION_INVALID");
  }
  for (const code of ["MODEL_CRASHED_ENGINE", "MODEL_OVER_MEMORY", "MODEL_OVER_TIME"] as const) {
    assert.equal(runtimeErrors.specs[code].retryable, false);
  }
});
