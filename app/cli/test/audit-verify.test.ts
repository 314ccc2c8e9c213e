/** `cupel audit`: the verdicts on logs and proofs with their exit statuses, and that whoever reads a log is recorded. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import {
  formatNote,
  formatNoteKey,
  generateNoteKey,
  openMasker,
  openRecorder,
  parseConsistencyFile,
  signNote,
} from "@cupel/audit";
import { runCommand } from "../src/index.ts";
import { catchingTerminal, cupel, scratch } from "./harness.ts";

const origin = "example.com/audit";

async function recordedLog() {
  const folder = await scratch();
  const key = generateNoteKey(origin);
  const keyPath = await folder.write("audit.pub", `${formatNoteKey(key)}\n`);
  const otherPath = await folder.write("other.pub", `${formatNoteKey(generateNoteKey(origin))}\n`);
  const log = join(folder.path, "audit");
  const masker = openMasker({ tags: { "sub.id": "keep", "ctx.ip": "keep" }, detect: [] }, null);
  const record = async (versions: readonly string[]) => {
    await using recorder = await openRecorder({ folder: log, origin, tree: { key }, masker });
    for (const version of versions) {
      await recorder.record({
        action: "MODEL.LOAD",
        severity: "INFO",
        subject: { kind: "operator", id: "deploy" },
        object: { model: "parts", version },
        context: { face: "http" },
      });
    }
  };
  await record(["0", "1", "2"]);
  return {
    folder,
    keyPath,
    otherPath,
    log,
    record,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test("a log is valid, by another key unverifiable, and tampered once its journal is emptied", async () => {
  await using made = await recordedLog();
  const { keyPath, otherPath, log } = made;

  assert.deepEqual(await cupel("audit", "verify", log, "--key", keyPath), {
    status: 0,
    out: `${log} is valid: a checkpoint of 3 events, 3 events in its journal.\n`,
    err: "",
  });
  const unknown = await cupel("audit", "verify", log, "--key", otherPath, "--json");
  assert.equal(unknown.status, 4);
  assert.equal(JSON.parse(unknown.out).verdict, "unverifiable");
  const former = await cupel("audit", "verify", log, "--key", otherPath, "--key", keyPath);
  assert.equal(former.status, 0);

  await writeFile(join(log, "journal", "000000000000.jsonl.open"), "");
  const tampered = await cupel("audit", "verify", log, "--key", keyPath);
  assert.equal(tampered.status, 3);
  assert.match(tampered.out, /^truncated: The journal ends before events 0 to 2,/);
  assert.match(tampered.err, /error LOG_TAMPERED: /);
});

test("a log whose files agree is sound without a key, and one without an event is not", async () => {
  await using made = await recordedLog();
  const { log } = made;
  const sound = await cupel("audit", "fsck", log);
  assert.match(
    sound.out,
    /^The files of .* agree with each other: a checkpoint of 3 events, 3 events in its journal\./,
  );
  assert.deepEqual([sound.status, sound.err], [0, ""]);
  await rm(join(log, "tile/entries"), { recursive: true });
  const damaged = await cupel("audit", "fsck", log, "--json");
  assert.equal(damaged.status, 3);
  assert.deepEqual(JSON.parse(damaged.out).findings.length > 0, true);
});

test("proofs are written, and verified without the log", async () => {
  await using made = await recordedLog();
  const { folder, keyPath, otherPath, log, record } = made;
  const older = await folder.write("older.checkpoint", await readFile(join(log, "checkpoint")));
  const proof = folder.at("event.proof");
  assert.equal((await cupel("audit", "prove", log, "--index", "1", "--out", proof)).status, 0);
  const printed = await cupel("audit", "prove", log, "--index", "1");
  assert.equal(printed.out, await readFile(proof, "utf8"));
  await record(["3"]);
  const growth = folder.at("growth.proof");
  assert.equal((await cupel("audit", "prove", log, "--from", older, "--out", growth)).status, 0);
  assert.equal((await cupel("audit", "prove", log)).status, 64);
  assert.equal((await cupel("audit", "prove", log, "--index", "99")).status, 66);
  await rm(log, { recursive: true });

  const verified = await cupel("audit", "verify", proof, "--key", keyPath);
  assert.equal(verified.status, 0);
  assert.match(
    verified.out,
    /"version":"1"[^\n]*\n.* is valid: event 1 of example\.com\/audit is in its checkpoint of 3 events,/,
  );
  const unknown = await cupel("audit", "verify", proof, "--key", otherPath);
  assert.equal(unknown.status, 4);
  assert.doesNotMatch(unknown.out, /"version"/);
  const told = await cupel("audit", "verify", growth, "--key", keyPath, "--checkpoint", older);
  assert.match(
    told.out,
    /is valid: example\.com\/audit goes on from its first 3 to its checkpoint of \d+ events/,
  );
  assert.equal((await cupel("audit", "verify", growth, "--key", keyPath)).status, 4);
  await writeFile(proof, (await readFile(proof, "utf8")).replace("index 1", "index 2"));
  assert.equal((await cupel("audit", "verify", proof, "--key", keyPath)).status, 3);
  assert.equal((await cupel("audit", "verify", keyPath, "--key", keyPath)).status, 65);
});

test("the end of a log is shown as it stands there, and that it was read is in the log after", async () => {
  await using made = await recordedLog();
  const { log, record } = made;
  const versionsOf = (out: string) =>
    out
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line).obj.version);
  assert.deepEqual(versionsOf((await cupel("audit", "tail", log, "-n", "2")).out), ["1", "2"]);
  const chosen = await cupel("audit", "tail", log, "--where", "action=MODEL.*,obj.version=1");
  assert.deepEqual(versionsOf(chosen.out), ["1"]);
  const { events } = JSON.parse(
    (await cupel("audit", "tail", log, "--where", "sub.id=nobody", "--json")).out,
  );
  assert.deepEqual(events, []);
  assert.equal((await cupel("audit", "tail", log, "--where", "nothing")).status, 64);
  assert.equal((await cupel("audit", "tail", join(log, "none"))).status, 66);
  const { terminal, told } = catchingTerminal({ isOutInteractive: true });
  await runCommand(["audit", "tail", log, "-n", "1"], terminal, { signal: AbortSignal.abort() });
  assert.match(
    told().out,
    /^2 {2}\d{4}-\S+Z {2}INFO {6}MODEL\.LOAD {2}id=deploy model=parts version=2 face=http\n$/,
  );

  await record(["3"]);
  const { out } = await cupel("audit", "tail", log, "--where", "action=AUDIT.READ");
  const read = out
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    read.map(({ ctx }) => [ctx.command, ctx.events, ctx.where]),
    [
      ["audit tail", "2", undefined],
      ["audit tail", "1", "action obj.version"],
      ["audit tail", "0", "sub.id"],
      ["audit tail", "1", undefined],
    ],
  );
});

test("a reader that cannot have it recorded is told so, and reads", async () => {
  await using made = await recordedLog();
  const { log } = made;
  // As little can be written there as on a medium that is read-only.
  await writeFile(join(log, "reading"), "");
  const { status, out, err } = await cupel("audit", "tail", log, "-n", "1");
  assert.deepEqual([status, out.split("\n").length], [0, 2]);
  assert.match(err, /note: That this log was read is not recorded\. Could not write /);
});

test("a log is followed until Ctrl-C, which is no failure", async () => {
  await using made = await recordedLog();
  const { log, record } = made;
  const end = new AbortController();
  const { terminal, told } = catchingTerminal();
  let recorded: Promise<void> | undefined;
  const write = async (text: string) => {
    recorded ??= record(["3", "4"]);
    if (text.includes('"version":"4"')) end.abort();
    return await terminal.write(text);
  };
  const words = ["audit", "tail", log, "--follow", "-n", "1"];
  const status = await runCommand(words, { ...terminal, write }, { signal: end.signal });
  await recorded;
  const { out } = told();
  assert.equal(status, 0);
  const versions = out
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    versions.filter(({ action }) => action === "MODEL.LOAD").map(({ obj }) => obj.version),
    ["2", "3", "4"],
  );
});

test("a log is witnessed through the command, and verified by the witness's key", async () => {
  await using made = await recordedLog();
  const { folder, keyPath, log } = made;
  const ask = (...words: readonly string[]) => cupel("audit", "witness", log, ...words);
  assert.equal((await ask()).status, 64);
  assert.equal((await ask("--witness", "https://127.0.0.1:1")).status, 64);
  assert.equal((await ask("--witness", "witness", "--witness-key", keyPath)).status, 64);
  const witnessKey = generateNoteKey("witness.example/w", 4);
  const witnessPath = await folder.write("witness.pub", formatNoteKey(witnessKey));
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { checkpoint } = parseConsistencyFile(Buffer.concat(chunks));
    response.end(formatNote(signNote(checkpoint.text, [witnessKey])).slice(checkpoint.text.length + 1));
  }).listen(0, "127.0.0.1");
  await using _server = { [Symbol.asyncDispose]: async () => void server.close() };
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const told = await ask("--witness", url, "--witness-key", witnessPath);
  assert.equal(told.out, "example.com/audit has 3 events, cosigned by witness.example/w.\n");
  const verified = await cupel("audit", "verify", log, "--key", keyPath, "--witness-key", witnessPath);
  assert.equal(verified.status, 0);
  assert.match(verified.out, /\nIts first 3 events cosigned by witness\.example\/w at \d{4}-/);
});
