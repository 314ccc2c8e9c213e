/** Faults that only the system makes: a file system that is full or read-only, calls that fail. Skipped where it does not let us. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CupelError, openTemporaryFolder } from "@cupel/base";
import { openMasker } from "../src/masking/masker.ts";
import type { Receipt } from "../src/recorder/receipt.ts";
import { openRecorder, type Recorder, type RecorderOptions } from "../src/recorder/recorder.ts";
import { faultRound } from "../tools/fault-round.ts";
import { type Promised, verifyLog } from "../tools/kill-round.ts";
import { testKey, testOrigin } from "../tools/test-log.ts";
import { keepAll, loadEvent } from "./recorded.ts";

function succeeds(command: string, ...words: readonly string[]): boolean {
  try {
    execFileSync(command, words, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const run = (command: string, ...words: readonly string[]) => execFileSync(command, words, { stdio: "pipe" });

const withoutStrace = succeeds("strace", "--version") ? false : "there is no strace: apt-get install strace";
const withoutTmpfs = (await mayMount("tmpfs")) ? false : "this process may not mount a tmpfs";
const withoutLoop = (await mayMount("loop")) ? false : "this process may not mount an ext4 image";

async function mayMount(kind: "tmpfs" | "loop"): Promise<boolean> {
  await using folder = await openTemporaryFolder("audit-mount");
  try {
    await using _mounted = await mount(folder.path, kind);
    return true;
  } catch {
    return false;
  }
}

/** @param kind "tmpfs" has room for 4 MiB */
async function mount(folder: string, kind: "tmpfs" | "loop") {
  const path = join(folder, "mounted");
  await mkdir(path);
  const image = join(folder, "image");
  if (kind === "tmpfs") run("mount", "-t", "tmpfs", "-o", "size=4m", "none", path);
  else {
    run("dd", "if=/dev/zero", `of=${image}`, "bs=1M", "count=24");
    run("mkfs.ext4", "-q", "-F", image);
    run("mount", "-o", "loop", image, path);
  }
  return {
    path,
    /** Of a full tmpfs. */
    enlarge: () => run("mount", "-o", "remount,size=64m", path),
    /** As after an error of the device. */
    makeReadOnly: () => run("mount", "-o", "remount,abort", path),
    mountAgain() {
      run("umount", path);
      run("mount", "-o", "loop", image, path);
    },
    [Symbol.asyncDispose]: async () => void run("umount", path),
  };
}

async function openIn(folder: string, more: Partial<RecorderOptions> = {}): Promise<Recorder> {
  return await openRecorder({
    folder: join(folder, "log"),
    origin: testOrigin,
    tree: { key: testKey },
    masker: openMasker(keepAll, null),
    deadline: 300,
    rollBytes: 200_000,
    ...more,
  });
}

/** Records until `isOver`, or for 60,000 events. */
async function recordUntil(recorder: Recorder, from: number, isOver: (receipt: Receipt | null) => boolean) {
  const promised: Promised = new Map();
  const spilled = new Set<string>();
  for (let number = from; number < from + 60_000; number += 100) {
    const settled = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) => recorder.record(loadEvent(number + i))),
    );
    for (const result of settled) {
      if (result.status === "fulfilled") {
        const { state, index, id } = result.value;
        if (state === "logged") promised.set(index, id);
        if (state === "spilled") spilled.add(id);
        continue;
      }
      assert.ok(result.reason instanceof CupelError && result.reason.code === "RECORD_UNAVAILABLE");
    }
    const last = settled.at(-1);
    if (isOver(last?.status === "fulfilled" ? last.value : null)) return { promised, spilled };
  }
  throw new Error("60,000 events made no difference.");
}

for (const policy of ["block", "spill", "count-and-drop"] as const) {
  test(`a disk that fills up during load: ${policy}`, { skip: withoutTmpfs }, async () => {
    await using folder = await openTemporaryFolder("audit-full");
    await using mounted = await mount(folder.path, "tmpfs");
    const spillFolder = join(folder.path, "spill");
    const recorder = await openIn(mounted.path, { policy, ...(policy === "spill" ? { spillFolder } : {}) });
    const first = await recordUntil(recorder, 0, (receipt) => receipt?.state !== "logged");
    const { faults, dropped, unavailable } = recorder.metrics;
    assert.ok(faults.full > 0);
    assert.equal(dropped.full > 0, policy === "count-and-drop");
    assert.equal(unavailable > 0, policy === "block");
    assert.equal(first.spilled.size > 0, policy === "spill");
    mounted.enlarge();
    const second = await recordUntil(recorder, 100_000, (receipt) => receipt?.state === "logged");
    await recorder[Symbol.asyncDispose]();
    assert.ok(first.promised.size > 1000);
    await verifyLog(mounted.path, new Map([...first.promised, ...second.promised]));
    const spilled = first.spilled.size + second.spilled.size;
    assert.equal(recorder.metrics.spilled, spilled);
    assert.equal(recorder.metrics.replayed, spilled);
  });
}

test("a file system that becomes read-only during load", { skip: withoutLoop }, async () => {
  await using folder = await openTemporaryFolder("audit-readonly");
  await using mounted = await mount(folder.path, "loop");
  const recorder = await openIn(mounted.path);
  const { promised } = await recordUntil(recorder, 0, () => true);
  mounted.makeReadOnly();
  await assert.rejects(recorder.record(loadEvent(1000)), { code: "RECORD_UNAVAILABLE" });
  assert.equal(recorder.metrics.trouble, "readonly");
  assert.ok(recorder.metrics.faults.readonly > 0);
  await recorder[Symbol.asyncDispose]();
  mounted.mountAgain();
  // This process, whose it is, could not remove it.
  await rm(join(mounted.path, "log", "writer.lock"));
  await verifyLog(mounted.path, promised);
});

for (const injected of [
  "fdatasync:error=EIO:when=1+3",
  "pwrite64:error=ENOSPC:when=1+3",
  "pwrite64:retval=0:when=1+3",
  "rename:error=EROFS:when=1+3",
  "openat:error=EDQUOT:when=1+3",
]) {
  test(`nothing acknowledged is lost under ${injected}`, { skip: withoutStrace }, async () => {
    await using folder = await openTemporaryFolder("audit-strace");
    const { promised, spilled } = await faultRound(folder.path, "block", injected);
    assert.ok(promised.size > 0);
    await verifyLog(folder.path, promised, spilled);
  });
}
