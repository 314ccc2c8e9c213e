/** `cupel serve --audit` and `--runtime-log`: what the record has after a server has stopped, and what is refused. */
import assert from "node:assert/strict";
import { readFile, rm, stat } from "node:fs/promises";
import test from "node:test";
import { checkEvent, openCheckpoint, parseNoteKey, readJournal, systemDisk } from "@cupel/audit";
import { classifierBytes, cupel, type Scratch, scratch, spawnCupel } from "./harness.ts";

interface Line {
  readonly action: string;
  readonly sub: Readonly<Record<string, string>>;
  readonly obj: Readonly<Record<string, string>>;
  readonly ctx: Readonly<Record<string, string>>;
}

const words = (folder: Scratch) => [
  "serve",
  folder.at("models"),
  "--port",
  "0",
  "--set",
  "engine.trial=false",
  "--audit",
  folder.at("record"),
  "--runtime-log",
  folder.at("record"),
];

/** Serves, asks once, stops. */
async function serveOnce(folder: Scratch) {
  const child = spawnCupel(words(folder));
  const url = new Promise<string>((found) => {
    let said = "";
    child.stderr?.on("data", (text: string) => {
      said += text;
      const [, address] = /Serving .* at (http:\S+)\. REST/.exec(said) ?? [];
      if (address !== undefined) found(address);
    });
  });
  const started = await Promise.race([url, child.ended]);
  assert.ok(typeof started === "string", JSON.stringify(started));
  const image = { name: "image", shape: [1, 1, 8, 8], datatype: "FP32", data: new Array(64).fill(0) };
  const answer = await fetch(`${started}/v2/models/tiny/infer`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ inputs: [image] }),
  });
  assert.equal(answer.status, 200, await answer.text());
  child.kill("SIGTERM");
  return await child.ended;
}

async function recordOf(folder: Scratch) {
  const key = parseNoteKey(await readFile(folder.at("record.pub"), "utf8"));
  const keys = { origin: key.name, logKeys: [key] };
  const { size } = openCheckpoint(await readFile(folder.at("record", "checkpoint")), keys);
  const lines: Line[] = [];
  for await (const part of readJournal(systemDisk, folder.at("record", "journal"), { from: 0, to: size })) {
    lines.push(...part.lines.map((line) => JSON.parse(Buffer.from(line).toString())));
  }
  return { size, lines };
}

/** What `cupel audit tail --runtime` tells until it is interrupted at the end of the log. */
async function followed(folder: Scratch): Promise<string> {
  const child = spawnCupel(["audit", "tail", "--runtime", folder.at("record")]);
  let said = "";
  child.stdout?.on("data", (text: string) => {
    said += text;
    if (said.includes('"kind":"end"')) child.kill("SIGINT");
  });
  const told = await child.ended;
  assert.equal(told.status, 0, told.err);
  return told.out;
}

test("loads and requests of two runs are in one record, signed by one key", async () => {
  await using folder = await scratch();
  await folder.write("models/tiny.onnx", classifierBytes());
  const first = await serveOnce(folder);
  assert.match(first.err, /made the signing key \S+record\.key/);
  const { size, lines } = await recordOf(folder);
  assert.equal(size, lines.length);
  for (const line of lines) assert.equal(checkEvent(line), null, JSON.stringify(line));
  const load = lines.find(({ action }) => action === "MODEL.LOAD");
  assert.equal(load?.sub.id, "repository");
  assert.match(load?.obj.digest ?? "", /[0-9a-f]{64}/);
  const request = lines.find(({ action }) => action === "INFER.REQUEST");
  assert.equal(request?.sub.kind, "anonymous");
  assert.equal(request?.obj.model, "tiny");
  assert.equal(request?.ctx.code, "OK");
  // Masked: the network alone.
  assert.equal(request?.ctx.ip, "127.0.0.0");
  for (const secret of ["record.key", "record.masking-key"]) {
    assert.equal((await stat(folder.at(secret))).mode & 0o777, 0o600);
  }

  assert.match(first.err, /which is no audit log/);
  const runtime = await followed(folder);
  assert.match(runtime, /^\{"kind":"about",[^\n]*"notice":"This is no audit log: /);
  const file = await readFile(folder.at("record", "runtime", "000000001.jsonl"), "utf8");
  assert.match(file, /"kind":"http\.server\.response"[^\n]*"status":200,/);

  const second = await serveOnce(folder);
  assert.doesNotMatch(second.err, /made the/);
  const longer = await recordOf(folder);
  assert.deepEqual(longer.lines.slice(0, size), lines);
  assert.equal(longer.lines.filter(({ action }) => action === "INFER.REQUEST").length, 2);

  await rm(folder.at("record.key"));
  const keyless = await spawnCupel(words(folder)).ended;
  assert.match(keyless.err, /error FILE_UNREADABLE: The log \S+ was written with a key that is not at/);
});

test("a record is of one process, and its options are not without it", async () => {
  await using folder = await scratch();
  const many = await spawnCupel([...words(folder), "--processes", "2"]).ended;
  assert.match(many.err, /error OPTION_INVALID: --audit records one process, and 2 are to serve/);
  const runtime = ["serve", folder.path, "--runtime-log", folder.at("record"), "--processes", "2"];
  assert.match((await cupel(...runtime)).err, /error OPTION_INVALID: --runtime-log records one process/);
  const none = await cupel("audit", "tail", "--runtime", folder.path);
  assert.match(none.err, /error LOG_FILE_MISSING: There is no runtime log in .* --runtime-log/);
  const lone = await spawnCupel(["serve", folder.path, "--audit-policy", "block"]).ended;
  assert.match(lone.err, /error OPTION_INVALID: --audit-policy .* needs --audit FOLDER/);
});
