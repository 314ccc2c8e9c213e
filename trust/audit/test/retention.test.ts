/** Retention, legal holds and erasure: what goes, what stays, what the record says of it, and that it is valid all the while. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import fc from "fast-check";
import { systemDisk } from "../src/journal/disk.ts";
import { openMasker } from "../src/masking/masker.ts";
import { openRecorder, type RecorderOptions } from "../src/recorder/recorder.ts";
import { planRetention } from "../src/retention/plan-retention.ts";
import {
  changeRetentionPolicy,
  parseRetentionPolicy,
  policyFile,
  readRetentionPolicy,
} from "../src/retention/retention-policy.ts";
import { verifyLog } from "../src/verify/verify-log.ts";
import { keepAll, loadEvent } from "./recorded.ts";
import { day, logKey, origin, RetainedLog } from "./support/retained-log.ts";

async function opened(options: Partial<RecorderOptions> = {}) {
  const folder = await openTemporaryFolder("retention");
  const log = new RetainedLog(join(folder.path, "log"), options);
  await log.open();
  return {
    log,
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A segment or more a day. */
async function recordDays(log: RetainedLog, days: number): Promise<void> {
  for (let i = 0; i < days; i++) {
    await log.record(40, `ann-${i}`);
    log.now += day;
  }
}

const verified = (folder: string) => verifyLog(folder, { logKeys: [logKey] });
const kindsOf = async (folder: string) => (await verified(folder)).findings.map(({ kind }) => kind);
const iso = (ms: number) => new Date(ms).toISOString();

test("a policy with a mistake says where, and nothing is removed under it", async () => {
  for (const [policy, pointer] of [
    [{ keep: "P6M" }, "/keep"],
    [{ keep: 180 }, "/keep"],
    [{ kep: "P1D" }, "/kep"],
    [{ holds: [{ id: "a b", reason: "x" }] }, "/holds/0/id"],
    [{ holds: [{ id: "a", reason: "x", from: "2026-01-01" }] }, "/holds/0/from"],
    [{ holds: [{ id: "a", reason: "x", from: "2026-13-01T00:00:00Z" }] }, "/holds/0/from"],
    [
      { holds: [{ id: "a", reason: "x", from: "2026-02-01T00:00:00Z", to: "2026-01-01T00:00:00Z" }] },
      "/holds/0/to",
    ],
    [
      {
        holds: [
          { id: "a", reason: "x" },
          { id: "a", reason: "y" },
        ],
      },
      "/holds/1/id",
    ],
    ["P1D", ""],
  ] as const) {
    assert.throws(() => parseRetentionPolicy(policy), {
      code: "RETENTION_POLICY_INVALID",
      details: { pointer },
    });
  }
  await using opening = await opened();
  const { log } = opening;
  await recordDays(log, 3);
  for (const text of ["{", '{"keep":"1 day"}']) {
    await writeFile(join(log.folder, policyFile), text);
    await assert.rejects(log.recorder.retain(), { code: "RETENTION_POLICY_INVALID" });
    assert.match(log.recorder.metrics.retention?.fault ?? "", /^Retention: The policy of retention/);
  }
  assert.equal((await log.lines()).get(0) === undefined, false);
});

test("old segments and their bundles go, tiles stay, and the record says so before and after others are gone too", async () => {
  await using opening = await opened({ compression: "gzip" });
  const { log } = opening;
  await recordDays(log, 12);
  await log.recorder.retain();
  assert.equal((await log.lines()).size, log.recorder.metrics.tree?.size, "nothing goes without a policy");
  await log.setKeep(7);
  await log.takeProof(3);
  await log.recorder.retain();
  const left = [...(await log.lines()).keys()];
  const [oldest = 0] = left;
  assert.ok(oldest >= 40 * 4, `${oldest}`);
  for (const [index, { time }] of log.recorded) if (time > log.now - 7 * day) assert.ok(left.includes(index));
  const { retention } = log.recorder.metrics;
  assert.equal(retention?.removedEvents, oldest);
  await recordDays(log, 12);
  await log.recorder.retain();
  const bundles = join(log.folder, "tile/entries");
  const [first = 0] = (await log.lines()).keys();
  assert.ok(first > 512, `${first}`);
  assert.deepEqual(
    ["000", "001"].map((name) => existsSync(join(bundles, name)) || existsSync(join(bundles, `${name}.p`))),
    [false, false],
  );
  await log[Symbol.asyncDispose]();
  await log.assertProved();
  const report = await verified(log.folder);
  assert.equal(report.removed, first);
  // The events that told of the first removals are gone themselves.
  const told = [...(await log.lines()).values()].map((line) => JSON.parse(line.toString()));
  const deletions = told.filter(({ action }) => action === "AUDIT.RETENTION.DELETE");
  assert.equal(deletions.at(-1)?.obj.removed, `0-${first - 1}`);
  assert.ok(deletions.every(({ obj }) => Number(obj.from) > 0));
});

test("what a removal leaves is no excuse for more: a file, two in a row, a bundle, a saved state that was changed", async () => {
  await using opening = await opened();
  const { log } = opening;
  await recordDays(log, 20);
  await log.setKeep(10);
  await log.recorder.retain();
  await recordDays(log, 2);
  await log[Symbol.asyncDispose]();
  assert.deepEqual(await kindsOf(log.folder), []);
  const journal = join(log.folder, "journal");
  const names = (await readdir(journal)).toSorted();
  const taken = async (gone: readonly string[]) => {
    const files = await Promise.all(gone.map((name) => readFile(join(journal, name))));
    await Promise.all(gone.map((name) => rm(join(journal, name))));
    const kinds = await kindsOf(log.folder);
    await Promise.all(gone.map((name, at) => writeFile(join(journal, name), files[at] ?? "")));
    return kinds;
  };
  const [one = "", two = "", three = ""] = names;
  assert.deepEqual(await taken([one]), ["segments-removed"]);
  assert.deepEqual(await taken([two]), ["segments-removed"]);
  assert.deepEqual(await taken([two, three]), ["segments-removed"]);
  const bundle = join(log.folder, "tile/entries/002");
  const bytes = await readFile(bundle);
  await rm(bundle);
  assert.deepEqual(await kindsOf(log.folder), ["file-damaged"]);
  await writeFile(bundle, bytes);

  // Named in the saved state as removed, and removed by hand: the next removal does not call it so.
  const saved = join(log.folder, "retention.json");
  const state = await readFile(saved, "utf8");
  const end = Number.parseInt(two, 10) - 1;
  await writeFile(saved, state.replaceAll(/"0-\d+"/g, `"0-${end}"`));
  await rm(join(journal, one));
  await log.open();
  log.now += 5 * day;
  await log.record(1, "bob");
  await log.recorder.retain().catch(() => {});
  await log[Symbol.asyncDispose]();
  assert.ok((await kindsOf(log.folder)).includes("segments-removed"));
});

test("what a hold covers stays until it is released, by hand or by time; both are recorded", async () => {
  await using opening = await opened();
  const { log } = opening;
  const from = log.now + 3 * day;
  await recordDays(log, 10);
  await log.setHolds(() => [
    { id: "case-17", from: iso(from), to: iso(from + 1000), reason: "inquiry, call 13800138000" },
    { id: "brief", reason: "until tomorrow", until: iso(log.now + day) },
  ]);
  await log.setKeep(1);
  await log.recorder.retain();
  assert.equal((await log.lines()).get(0) === undefined, false, "all is held");
  const plan = await planRetention(log.folder, {
    logKeys: [logKey],
    clock: { now: () => log.now + 2 * day, monotonic: () => 0 },
  });
  assert.ok(plan.due.length > 0 && plan.held.length > 0);
  await recordDays(log, 3);
  await log.recorder.retain();
  const kept = new Set((await log.lines()).keys());
  for (const [index, { time }] of log.recorded)
    if (Math.abs(time - from) < 1000) assert.ok(kept.has(index), `${index}`);
  assert.ok(!kept.has(0));
  assert.deepEqual((await verified(log.folder)).findings, []);
  const actions = [...(await log.lines()).values()].map((line) => JSON.parse(line.toString()));
  const setting = actions.find(({ obj }) => obj.hold === "case-17");
  assert.equal(setting.action, "AUDIT.HOLD.SET");
  assert.deepEqual(setting.obj, { hold: "case-17", from: iso(from), to: iso(from + 1000) });
  assert.doesNotMatch(setting.ctx.reason, /13800138000/);
  const released = actions.find(({ action }) => action === "AUDIT.HOLD.RELEASE");
  assert.deepEqual([released.obj.hold, released.ctx.cause], ["brief", "until"]);
  await log.setHolds((holds) => holds.filter(({ id }) => id !== "case-17"));
  await recordDays(log, 3);
  await log.recorder.retain();
  await recordDays(log, 1);
  await log.recorder.retain();
  const left = new Set((await log.lines()).keys());
  for (const [index, { time }] of log.recorded)
    if (Math.abs(time - from) < 1000) assert.ok(!left.has(index), `${index}`);
  await log[Symbol.asyncDispose]();
  await log.assertProved();
});

test("a removal that is recorded against a hold in force is found", async () => {
  await using folder = await openTemporaryFolder("retention");
  const path = join(folder.path, "log");
  await using recorder = await openRecorder({
    folder: path,
    origin,
    tree: { key: logKey },
    masker: openMasker(keepAll, null),
  });
  const said = (action: string, object: Record<string, string>) =>
    recorder.record({
      action,
      severity: "WARN",
      subject: { kind: "system", id: "recorder" },
      object,
      context: {},
    });
  await Promise.all(Array.from({ length: 10 }, (_, i) => recorder.record(loadEvent(i))));
  const [oldest, newest] = ["2026-01-02T00:00:00.000Z", "2026-01-03T00:00:00.000Z"];
  const deletion = { from: "0", to: "3", events: "4", oldest, newest, removed: "0-3" };
  await said("AUDIT.HOLD.SET", { hold: "later", from: "2026-01-04T00:00:00Z", to: "" });
  await said("AUDIT.HOLD.SET", { hold: "over", from: "", to: "" });
  await said("AUDIT.HOLD.RELEASE", { hold: "over" });
  await said("AUDIT.RETENTION.DELETE", deletion);
  await said("AUDIT.HOLD.SET", { hold: "after", from: "", to: "" });
  await changeRetentionPolicy(path, (policy) => policy);
  const upTo = async () => {
    // Publishes what there is.
    await recorder.retain();
    return (await verified(path)).findings;
  };
  assert.deepEqual(await upTo(), []);
  await said("AUDIT.RETENTION.DELETE", { ...deletion, from: "4", to: "5", removed: "0-5" });
  const findings = await upTo();
  assert.deepEqual(
    findings.map(({ kind, index, count }) => ({ kind, index, count })),
    [{ kind: "hold-broken", index: 4, count: 2 }],
  );
  assert.match(findings[0]?.message ?? "", /"after"/);
});

test("a removal that was cut short is ended by whoever opens the log next, and is valid in between", async () => {
  await using opening = await opened();
  const { log } = opening;
  await recordDays(log, 8);
  await log.setKeep(2);
  await log[Symbol.asyncDispose]();
  const all = (await readdir(join(log.folder, "journal"))).length;
  // Cut after each number of files in turn; the last time it goes through.
  for (let files = 0; ; files++) {
    let left = files;
    await log.open({
      ...systemDisk,
      async unlink(path) {
        if (left-- === 0) throw Object.assign(new Error("I/O error"), { code: "EIO" });
        await systemDisk.unlink(path);
      },
    });
    const isThrough = await log.recorder.retain().then(
      () => true,
      () => false,
    );
    await log[Symbol.asyncDispose]();
    await log.assertProved();
    if (isThrough || files > 20) break;
  }
  const names = await readdir(join(log.folder, "journal"));
  assert.ok(names.length < all / 2, `${names.length} of ${all}`);
  const told = [...(await log.lines()).values()].map((line) => JSON.parse(line.toString()));
  const ranges = told.filter(({ action }) => action === "AUDIT.RETENTION.DELETE").map(({ obj }) => obj.from);
  assert.equal(new Set(ranges).size, ranges.length, "each is recorded once");
});

test("a log with a writer is not retained by another, its policy is changed by one at a time; one without a tree not at all", async () => {
  await using opening = await opened();
  const { log } = opening;
  await assert.rejects(new RetainedLog(log.folder).open(), { code: "FILE_LOCKED" });
  // The second waits for the first, and has what that wrote.
  let second: Promise<void> | undefined;
  await changeRetentionPolicy(log.folder, () => {
    second = changeRetentionPolicy(log.folder, (policy) => ({ ...policy, keep: `${policy.keep}T1H` }));
    return { keep: "P9D" };
  });
  await second;
  assert.equal((await readRetentionPolicy(log.folder))?.keep, "P9DT1H");
  await using folder = await openTemporaryFolder("retention");
  await using recorder = await openRecorder({
    folder: folder.path,
    origin,
    tree: null,
    masker: openMasker(keepAll, null),
  });
  await assert.rejects(recorder.retain(), { code: "OPTION_INVALID" });
});

type Step =
  | { readonly kind: "record"; readonly count: number; readonly who: number }
  | { readonly kind: "days"; readonly days: number }
  | { readonly kind: "keep"; readonly days: number }
  | { readonly kind: "hold"; readonly ago: number; readonly length: number; readonly until: number | null }
  | { readonly kind: "release" }
  | { readonly kind: "erase"; readonly who: number }
  | { readonly kind: "retain" }
  | { readonly kind: "prove"; readonly pick: number }
  | { readonly kind: "reopen" };

const kind = <const K extends string>(name: K) => fc.constant(name);
const who = fc.nat(2);
const days = fc.integer({ min: 1, max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: kind("record"), count: fc.integer({ min: 1, max: 60 }), who }) },
  { weight: 4, arbitrary: fc.record({ kind: kind("days"), days }) },
  { weight: 1, arbitrary: fc.record({ kind: kind("keep"), days }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind("hold"),
      ago: fc.integer({ min: -2, max: 6 }),
      length: fc.nat(3),
      until: fc.option(days),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind("release") }) },
  { weight: 2, arbitrary: fc.record({ kind: kind("erase"), who }) },
  { weight: 3, arbitrary: fc.record({ kind: kind("retain") }) },
  { weight: 2, arbitrary: fc.record({ kind: kind("prove"), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: kind("reopen") }) },
);

const isLong = process.env.CUPEL_LONG_TESTS !== undefined;
/** Sequences that go on with one log: opening one costs more than all steps of a sequence. */
const sequencesALog = isLong ? 1 : 12;

test("retention, holds and erasure in any order: the log is valid, proofs hold, what is held stays, what is erased is gone", async () => {
  let opening = await opened();
  let count = 0;
  const steps = fc.array(step, { minLength: 6, maxLength: isLong ? 60 : 12 });
  const property = fc.asyncProperty(steps, async (sequence) => {
    if (count++ % sequencesALog === 0) {
      await opening[Symbol.asyncDispose]();
      opening = await opened();
    }
    const { log } = opening;
    await log.setKeep(2);
    for (const its of sequence) await take(log, its);
    await log.recorder.retain();
    await log.assertProved();
    await log.assertErased();
  });
  await fc.assert(property, { numRuns: isLong ? 200 : 24, endOnFailure: true });
  await opening[Symbol.asyncDispose]();
});

async function take(log: RetainedLog, its: Step): Promise<void> {
  switch (its.kind) {
    case "record":
      return await log.record(its.count, `person-number-${its.who}`);
    case "days":
      log.now += its.days * day;
      return;
    case "keep":
      return await log.setKeep(its.days);
    case "hold": {
      const from = log.now - its.ago * day;
      return await log.hold(from, from + its.length * day, its.until && log.now + its.until * day);
    }
    case "release":
      return await log.release();
    case "erase":
      return await log.erase(`person-number-${its.who}`);
    case "retain":
      return await log.retain();
    case "prove":
      return await log.takeProof(its.pick);
    case "reopen":
      await log[Symbol.asyncDispose]();
      return await log.open();
  }
}
