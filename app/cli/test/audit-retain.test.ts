/** `cupel audit retain`, `hold` and `erase`: what they change in a log, and what they refuse. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  openFileKeys,
  openMasker,
  openRecorder,
  openSubjectKeyReader,
  parseNoteSigningKey,
  readJournal,
  systemDisk,
  unmask,
} from "@cupel/audit";
import { openRecord } from "../src/audit/open-record.ts";
import { cupel, type Scratch, scratch } from "./harness.ts";

const place = (folder: string) => ({ folder, keyFile: undefined, policy: undefined });

/** Of two people, in files of the journal of which all but the last are complete. */
async function recordIn(folder: Scratch): Promise<string> {
  const log = folder.at("audit");
  for (let run = 0; run < 2; run++) {
    await using record = await openRecord(place(log), () => {});
    for (const id of ["ann@example.com", "bob@example.com"]) {
      await record.sink.emit({
        action: "INFER.REQUEST",
        severity: "ERROR",
        subject: { kind: "user", id },
        object: { model: "parts" },
        context: { ip: "192.0.2.7", mail: id },
      });
    }
  }
  return log;
}

async function linesOf(log: string) {
  const { out } = await cupel("audit", "verify", log, "--key", `${log}.pub`, "--json");
  const { verdict, size } = JSON.parse(out);
  assert.equal(verdict, "valid");
  const lines = [];
  for await (const part of readJournal(systemDisk, join(log, "journal"), { from: 0, to: size })) {
    lines.push(...part.lines.map((line) => JSON.parse(Buffer.from(line).toString())));
  }
  return lines;
}

test("a person is erased, that is recorded under its pseudonym, and the other opens as before", async () => {
  await using folder = await scratch();
  const log = await recordIn(folder);
  const first = (await linesOf(log)).find(({ action }) => action === "INFER.REQUEST");
  const told = await cupel("audit", "erase", log, "--subject", "ann@example.com", "--reason", "request 4711");
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /^ann@example\.com is erased: 1 key destroyed\. Events that named it say psn1\./);
  const again = await cupel("audit", "erase", log, "--subject", "ann@example.com", "--json");
  assert.deepEqual(JSON.parse(again.out).erased, [
    { subject: "ann@example.com", pseudonym: null, keys: 0, complete: true },
  ]);
  const lines = await linesOf(log);
  const erasures = lines.filter(({ action }) => action === "AUDIT.ERASE");
  assert.deepEqual(
    erasures.slice(0, 2).map(({ obj, ctx, sub }) => ({ obj, ctx, kind: sub.kind })),
    [
      { obj: { pseudonym: first.sub.id }, ctx: { reason: "request 4711", phase: "begin" }, kind: "operator" },
      {
        obj: { pseudonym: first.sub.id },
        ctx: { reason: "request 4711", phase: "end", keys: "1", complete: "true" },
        kind: "operator",
      },
    ],
  );
  const provider = await openFileKeys(`${log}.masking-key`);
  using keys = await openSubjectKeyReader(join(log, "keys"), provider);
  const mails = lines
    .filter(({ action }) => action === "INFER.REQUEST")
    .map((line) => unmask(line, keys).event.ctx.mail);
  assert.deepEqual(mails, ["[ERASED]", "bob@example.com", "[ERASED]", "bob@example.com"]);
});

test("holds are set, listed, recorded and released; under one nobody is erased, and nothing is removed", async () => {
  await using folder = await scratch();
  const log = await recordIn(folder);
  const set = ["audit", "hold", log, "--set", "case-17"];
  const told = await cupel(...set, "--to", "2026-03-31", "--reason", "court order");
  assert.equal(told.status, 0, told.err);
  assert.equal(told.out, "The hold case-17 is in force, and recorded.\n");
  assert.match(
    (await cupel(...set, "--reason", "again")).err,
    /error HOLD_UNKNOWN: There is a hold "case-17"/,
  );
  const { holds } = JSON.parse((await cupel("audit", "hold", log, "--list", "--json")).out);
  assert.deepEqual(holds, [{ id: "case-17", reason: "court order", to: "2026-03-31T23:59:59.999999Z" }]);
  const refused = await cupel("audit", "erase", log, "--subject", "ann@example.com");
  assert.match(refused.err, /error HOLD_IN_FORCE: A legal hold is in force: case-17\./);
  const despite = await cupel("audit", "erase", log, "--subject", "ann@example.com", "--despite-holds");
  assert.match(despite.out, /is erased/);
  assert.equal((await cupel("audit", "hold", log, "--release", "case-17")).status, 0);
  assert.match(
    (await cupel("audit", "hold", log, "--release", "case-17")).err,
    /error HOLD_UNKNOWN: .*there is none/,
  );
  const lines = await linesOf(log);
  assert.deepEqual(
    lines.map(({ action }) => action).filter((action) => /HOLD|ERASE/.test(action)),
    ["AUDIT.HOLD.SET", "AUDIT.ERASE", "AUDIT.ERASE", "AUDIT.HOLD.RELEASE"],
  );
  assert.equal(lines.find(({ action }) => action === "AUDIT.ERASE").ctx.holds, "case-17");
});

test("what is due is told, and removed; a log with a writer, one that is none, and mistakes are refused", async () => {
  await using folder = await scratch();
  const log = folder.at("audit");
  await (await openRecord(place(log), () => {}))[Symbol.asyncDispose]();
  {
    const key = parseNoteSigningKey(await readFile(`${log}.key`, "utf8"));
    const masker = openMasker({ tags: { "sub.id": "keep", "ctx.ip": "keep" }, detect: [] }, null);
    const options = { folder: log, origin: key.name, tree: { key }, masker, rollBytes: 300 };
    await using recorder = await openRecorder(options);
    for (let i = 0; i < 4; i++) {
      await recorder.record({
        action: "SERVE.START",
        severity: "INFO",
        subject: { kind: "system", id: "server" },
        object: {},
        context: {},
      });
    }
  }
  const files = () => readdir(join(log, "journal"));
  const before = (await files()).length;
  // The times of events are the clock's: they are older than a second only when that has gone by.
  await new Promise((done) => setTimeout(done, 1100));
  const plan = await cupel("audit", "retain", log, "--keep", "PT1S", "--dry-run", "--json");
  const { due, held } = JSON.parse(plan.out);
  assert.ok(due.length > 0 && held.length === 0, plan.out);
  assert.equal((await files()).length, before);
  const told = await cupel("audit", "retain", log, "--keep", "PT1S", "--json");
  // What is recorded meanwhile makes a newest file of its own.
  assert.ok(JSON.parse(told.out).removed.files >= due.length, told.err);
  const verdict = await cupel("audit", "verify", log, "--key", `${log}.pub`);
  assert.equal(verdict.status, 0);
  assert.match(verdict.out, /Retention removed \d+ events?, as the log itself records/);

  const policy = await readFile(join(log, "policy.json"), "utf8");
  {
    await using _writer = await openRecord(place(log), () => {});
    for (const words of [
      ["retain", log, "--keep", "P1D"],
      ["erase", log, "--subject", "ann"],
    ]) {
      const busy = await cupel("audit", ...words);
      assert.match(busy.err, /error LOG_IN_USE: The log \S+ has a writer already/);
      assert.equal(busy.status, 75);
    }
    assert.equal(await readFile(join(log, "policy.json"), "utf8"), policy);
    const hold = await cupel("audit", "hold", log, "--set", "a", "--reason", "b");
    assert.match(hold.out, /in force\. The process that writes \S+ records it within a minute/);
  }
  for (const [words, error] of [
    [["retain", folder.at("none")], /LOG_FILE_MISSING: \S+none has no log/],
    [["hold", folder.at("none"), "--list"], /LOG_FILE_MISSING/],
    [["erase", folder.at("none"), "--subject", "a"], /LOG_FILE_MISSING/],
    [["erase", log], /ARGUMENT_MISSING: .*--subject ID/],
    [["retain", log, "--keep", "P6M"], /OPTION_INVALID: --keep must be weeks, days/],
    [["hold", log], /ARGUMENT_MISSING: Write one of --set ID, --release ID and --list/],
    [["hold", log, "--set", "x"], /ARGUMENT_MISSING: .*--reason TEXT/],
    [["hold", log, "--set", "x y", "--reason", "r"], /OPTION_INVALID: --set must be a name/],
    [["hold", log, "--set", "x", "--from", "March", "--reason", "r"], /OPTION_INVALID: --from must be a day/],
    [["hold", log, "--list", "--reason", "r"], /OPTION_INVALID: --reason is of a hold that is set/],
    [
      ["hold", log, "--set", "x", "--from", "2026-03-02", "--to", "2026-03-01", "--reason", "r"],
      /RETENTION_POLICY_INVALID: .*\/holds\/1\/to: the hold ends before it begins/,
    ],
  ] as const) {
    assert.match((await cupel("audit", ...words)).err, error, words.join(" "));
  }
  assert.deepEqual(await readdir(folder.path).then((names) => names.filter((name) => name === "none")), []);
});
