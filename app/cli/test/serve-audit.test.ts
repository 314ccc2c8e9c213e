/** `cupel serve --audit` and `--runtime-log`: what the record has after a server has stopped, and what is refused. */
import assert from "node:assert/strict";
import { readFile, rename, rm, stat } from "node:fs/promises";
import { kill } from "node:process";
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
];

interface Asked {
  readonly url: string;
  readonly metrics: string;
}

/** Serves and asks; stops when `meanwhile` is done. */
async function serveOnce(
  folder: Scratch,
  more: readonly string[] = [],
  meanwhile: (asked: Asked) => Promise<void> = async () => {},
) {
  const child = spawnCupel([...words(folder), ...more]);
  const found = Promise.withResolvers<string>();
  let said = "";
  child.stderr?.on("data", (text: string) => {
    said += text;
    const [, address] = /Serving .* at (http:\S+)\. REST/.exec(said) ?? [];
    if (address !== undefined) found.resolve(address);
  });
  try {
    const url = await Promise.race([found.promise, child.ended]);
    assert.ok(typeof url === "string", JSON.stringify(url));
    await infer(url);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    await meanwhile({ url, metrics });
    child.kill("SIGTERM");
    return { ...(await child.ended), metrics };
  } finally {
    child.kill("SIGTERM");
  }
}

async function infer(url: string): Promise<void> {
  const image = { name: "image", shape: [1, 1, 8, 8], datatype: "FP32", data: new Array(64).fill(0) };
  const answer = await fetch(`${url}/v2/models/tiny/infer`, {
    method: "POST",
    // A connection of its own, which any of several processes may get.
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify({ inputs: [image] }),
  });
  assert.equal(answer.status, 200, await answer.text());
}

/** Two runs in one operation. */
async function inferTwice(url: string): Promise<void> {
  const base64 = Buffer.alloc(256).toString("base64");
  const run = `infer(model: "tiny", inputs: [{ name: "image", datatype: FP32, shape: [1, 1, 8, 8], base64: "${base64}" }]) { version }`;
  const answer = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify({ query: `{ one: ${run} other: ${run} }` }),
  });
  assert.deepEqual(await answer.json(), { data: { one: { version: "1" }, other: { version: "1" } } });
}

async function assertValid(folder: Scratch): Promise<void> {
  const told = await cupel("audit", "verify", folder.at("record"), "--key", folder.at("record.pub"));
  assert.equal(told.status, 0, told.out + told.err);
  assert.match(told.out, / is valid: /);
}

const figure = (metrics: string, name: string) =>
  Number(
    metrics
      .split("\n")
      .find((line) => line.startsWith(`${name} `))
      ?.split(" ")
      .at(-1),
  );

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
  const first = await serveOnce(folder, ["--runtime-log", folder.at("record")]);
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

  // From the first to the last: the record, the settings, the server, and each once.
  const once = lines
    .map(({ action }) => action)
    .filter((action) => !/^(MODEL|INFER|AUDIT\.KEY)/.test(action));
  assert.deepEqual(once, ["AUDIT.OPEN", "CONFIG.LOAD", "SERVE.START", "SERVE.STOP", "AUDIT.CLOSE"]);
  assert.equal(lines.find(({ action }) => action === "CONFIG.LOAD")?.sub.kind, "operator");
  await assertValid(folder);
  // The two keys, the opening, the settings, the load, the start and the request.
  assert.equal(figure(first.metrics, 'cupel_record_events_total{outcome="logged"}'), 7);
  assert.equal(figure(first.metrics, 'cupel_record_events_total{outcome="dropped"}'), 0);
  assert.equal(figure(first.metrics, 'cupel_record_faults_total{cause="full"}'), 0);
  assert.equal(figure(first.metrics, "cupel_record_in_trouble"), 0);
  // That of the load, the start and the request.
  assert.equal(figure(first.metrics, 'cupel_record_seconds_count{outcome="kept"}'), 3);

  // Two processes share it, and what one of them had a receipt for outlives it.
  const second = await serveOnce(folder, ["--processes", "2"], async ({ url, metrics }) => {
    for (let i = 0; i < 3; i++) await infer(url);
    await inferTwice(url);
    assert.ok(figure(metrics, 'cupel_record_events_total{outcome="logged"}') >= 5, metrics);
    const written = await readFile(folder.at("record", "journal", "000000000000.jsonl.open"), "utf8");
    const servers = written.split("\n").filter((line) => line.includes('"SERVE.START"'));
    const processes = servers.slice(1).map((line) => Number(JSON.parse(line).ctx.process));
    assert.equal(processes.length, 2);
    for (const process of processes) kill(process, "SIGKILL");
  });
  assert.doesNotMatch(second.err, /made the/);
  const longer = await recordOf(folder);
  assert.deepEqual(longer.lines.slice(0, size), lines);
  const runs = longer.lines.filter(({ action }) => action === "INFER.REQUEST");
  const faces = Map.groupBy(runs, ({ ctx }) => ctx.face);
  assert.deepEqual([faces.get("rest")?.length, faces.get("graphql")?.length], [5, 2]);
  assert.equal(longer.lines.at(-1)?.action, "AUDIT.CLOSE");
  await assertValid(folder);

  const refused = await cupel(...words(folder), "--set", "limits.inFlight=none");
  assert.equal(refused.status, 78, refused.err);
  const { lines: last } = await recordOf(folder);
  assert.deepEqual(
    last.slice(-3).map(({ action }) => action),
    ["AUDIT.OPEN", "CONFIG.REFUSE", "AUDIT.CLOSE"],
  );

  await rm(folder.at("record.key"));
  const keyless = await cupel(...words(folder));
  assert.match(keyless.err, /error FILE_UNREADABLE: The log \S+ was written with a key that is not at/);
});

test("where the record cannot be written the server does as the operator chose, and the metrics say so", async () => {
  await using folder = await scratch();
  await folder.write("models/tiny.onnx", classifierBytes());
  const journal = folder.at("record", "journal");
  await serveOnce(folder, ["--audit-on-trouble", "count-and-drop"], async ({ url }) => {
    await rename(journal, folder.at("kept"));
    await folder.write("record/journal", "in its place");
    await infer(url);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.ok(figure(metrics, 'cupel_record_events_total{outcome="dropped"}') > 0, metrics);
    assert.equal(figure(metrics, "cupel_record_in_trouble"), 1);
    await rm(journal);
    await rename(folder.at("kept"), journal);
    // Until an event finds the log in order again.
    let isInTrouble = true;
    while (isInTrouble) {
      await infer(url);
      const now = await (await fetch(`${url}/metrics`)).text();
      isInTrouble = figure(now, "cupel_record_in_trouble") === 1;
    }
  });
  const { lines } = await recordOf(folder);
  // How many are missing is in it.
  assert.ok(
    Number(lines.find(({ action }) => action === "AUDIT.DROP")?.ctx.count) > 0,
    JSON.stringify(lines),
  );
  await assertValid(folder);
});

test("options of the record are not without it, and those of spilling go together", async () => {
  for (const [given, expected] of [
    [["--audit-on-trouble", "block"], /error OPTION_INVALID: --audit-on-trouble .* needs --audit FOLDER/],
    [
      ["--audit", "r", "--audit-on-trouble", "spill"],
      /error OPTION_INVALID: --audit-on-trouble spill needs /,
    ],
    [["--audit", "r", "--audit-spill", "s"], /error OPTION_INVALID: --audit-spill is of use with /],
  ] as const) {
    const told = await cupel("serve", "models", ...given);
    assert.match(told.err, expected);
  }
  const runtime = ["serve", "models", "--runtime-log", "r", "--processes", "2"];
  assert.match((await cupel(...runtime)).err, /error OPTION_INVALID: --runtime-log records one process/);
  const none = await cupel("audit", "tail", "--runtime", "models");
  assert.match(none.err, /error LOG_FILE_MISSING: There is no runtime log in .* --runtime-log/);
});
