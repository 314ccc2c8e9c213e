/** `cupel audit verify`: the three verdicts and their exit statuses. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { formatNoteKey, generateNoteKey, openMasker, openRecorder } from "@cupel/audit";
import { cupel, scratch } from "./harness.ts";

const origin = "example.com/audit";

test("a log is valid, by another key unverifiable, and tampered once its journal is emptied", async () => {
  await using folder = await scratch();
  const key = generateNoteKey(origin);
  const keyPath = await folder.write("audit.pub", `${formatNoteKey(key)}\n`);
  const otherPath = await folder.write("other.pub", `${formatNoteKey(generateNoteKey(origin))}\n`);
  const log = join(folder.path, "audit");
  const recorder = await openRecorder({
    folder: log,
    origin,
    tree: { key },
    masker: openMasker({ tags: { "sub.id": "keep", "ctx.ip": "keep" }, detect: [] }, null),
  });
  for (let i = 0; i < 3; i++) {
    await recorder.record({
      action: "MODEL.LOAD",
      severity: "INFO",
      subject: { kind: "operator", id: "deploy" },
      object: { model: "parts", version: String(i) },
      context: { face: "http" },
    });
  }
  await recorder[Symbol.asyncDispose]();

  assert.deepEqual(await cupel("audit", "verify", log, "--key", keyPath), {
    status: 0,
    out: `${log} is valid: a checkpoint of 3 events, 3 events in its journal.\n`,
    err: "",
  });
  const unknown = await cupel("audit", "verify", log, "--key", otherPath, "--json");
  assert.equal(unknown.status, 4);
  assert.equal(JSON.parse(unknown.out).verdict, "unverifiable");
  const former = await cupel("audit", "verify", log, "--key", otherPath, "--former-key", keyPath);
  assert.equal(former.status, 0);

  await writeFile(join(log, "journal", "000000000000.jsonl.open"), "");
  const tampered = await cupel("audit", "verify", log, "--key", keyPath);
  assert.equal(tampered.status, 3);
  assert.match(tampered.out, /^truncated: The journal ends before events 0 to 2,/);
  assert.match(tampered.err, /error LOG_TAMPERED: /);
});
