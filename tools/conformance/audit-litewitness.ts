/**
 * litewitness (Go) cosigns a log of ours as it grows, and refuses one that was changed.
 * `node tools/conformance/audit-litewitness.ts`; CUPEL_LITEWITNESS names the program, by default the one on the path. It is
 * got by `go install filippo.io/torchwood/cmd/litewitness@v0.9.0`. Needs ssh-agent, which holds the witness's key.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import {
  cosign,
  formatNote,
  formatNoteKey,
  generateNoteKey,
  openCheckpoint,
  parseCheckpoint,
  parseNoteKey,
  readLog,
  type SignedNote,
  sha256Tree,
  TreeProver,
  verifyLog,
  witnessLog,
} from "@cupel/audit";
import { CupelError, openTemporaryFolder } from "@cupel/base";
import { sampleLog } from "./audit-sample-log.ts";
import { skip } from "./run-tool.ts";

const litewitness = process.env.CUPEL_LITEWITNESS ?? "litewitness";
for (const program of [litewitness, "ssh-agent", "ssh-add", "ssh-keygen"]) {
  if (spawnSync(program, ["-h"]).error) skip("litewitness", `${program} is not there`);
}

await using folder = await openTemporaryFolder("witness");
const at = (name: string) => join(folder.path, name);
const started: ReturnType<typeof spawn>[] = [];
const stop = () => {
  for (const child of started) child.kill();
};
process.on("exit", stop);

function startProgram(command: string, args: readonly string[]) {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  started.push(child);
  return child;
}

/** Waits for what another process makes. */
async function eventually(what: string, isThere: () => boolean): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (isThere()) return;
    await delay(50);
  }
  throw new Error(`${what} did not come.`);
}

const socket = at("agent");
startProgram("ssh-agent", ["-D", "-a", socket]);
const agent = { env: { ...process.env, SSH_AUTH_SOCK: socket }, encoding: "utf8" } as const;
spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at("key")]);
await eventually("ssh-agent", () => spawnSync("ssh-add", [at("key")], agent).status === 0);
const [, fingerprint = ""] = /(SHA256:\S+)/.exec(spawnSync("ssh-add", ["-l"], agent).stdout) ?? [];

const key = generateNoteKey("example.com/audit");
const database = new DatabaseSync(at("db"));
// As its own `witnessctl add-log` and `add-key` do.
database.exec(`
  CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL);
  CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin));
`);
database.prepare("INSERT INTO log VALUES (?, 0, ?)").run(key.name, sha256Tree.empty().toString("base64"));
database.prepare("INSERT INTO key VALUES (?, ?)").run(key.name, formatNoteKey(key));
database.close();

const free = createServer().listen(0, "127.0.0.1");
await once(free, "listening");
const address = free.address();
const port = typeof address === "object" ? address?.port : undefined;
free.close();
await once(free, "close");
const names = ["-name", "witness.example/w1", "-key", fingerprint, "-db", at("db")];
const child = startProgram(litewitness, [...names, "-ssh-agent", socket, "-listen", `127.0.0.1:${port}`]);
let witnessKey = "";
const printed: string[] = [];
createInterface(child.stderr ?? process.stdin).on("line", (line) => {
  printed.push(line);
  witnessKey ||= /vkey=(\S+)/.exec(line)?.[1]?.replaceAll('"', "") ?? "";
});
try {
  await eventually("The key of litewitness", () => witnessKey !== "");
} catch (thrown) {
  console.log(printed.join("\n"));
  throw thrown;
}
const witness = { url: `http://127.0.0.1:${port}`, keys: [parseNoteKey(witnessKey)] };

let failed = 0;
function expect(name: string, isRight: boolean, detail: unknown): void {
  console.log(`${isRight ? "ok  " : "FAIL"} ${name}`);
  if (isRight) return;
  failed++;
  console.log(detail, printed.join("\n"));
}

async function submit(path: string, note: SignedNote, oldSize?: number): Promise<unknown> {
  const prover = await TreeProver.open(readLog(path), parseCheckpoint(note.text));
  const proofFrom = (from: number) => prover.consistencyProof(from);
  try {
    const cosignatures = await cosign(witness, note, proofFrom, oldSize === undefined ? {} : { oldSize });
    const whole = { text: note.text, signatures: [...note.signatures, ...cosignatures] };
    const keys = { origin: key.name, logKeys: [key], witnessKeys: witness.keys };
    return openCheckpoint(Buffer.from(formatNote(whole)), keys).signatures.length;
  } catch (thrown) {
    return thrown instanceof CupelError ? thrown.code : thrown;
  }
}

// It listens a moment after it has said its key.
await eventually("litewitness", () => spawnSync("curl", ["-s", witness.url]).status === 0);
await using ours = await openTemporaryFolder("log");
const log = sampleLog(ours.path, key);
let size = 0;
for (const next of [1, 300, 300, 1_000]) {
  const note = await log.grow(next - size);
  const found = await submit(ours.path, note, size);
  expect(`a log of ${size} entries that has ${next} now`, found === 2, found);
  size = next;
}
const note = await log.grow(1);
const retried = await submit(ours.path, note);
expect("asked without knowing what it has seen", retried === 2, retried);

await log.grow(700);
const kept = await witnessLog(ours.path, { witness, authority: null });
expect("a log of 1701 entries, whose cosignature is kept", kept.isNew && kept.witnesses.length === 1, kept);
const verified = await verifyLog(ours.path, { logKeys: [key], witnessKeys: witness.keys });
expect("which verifies", verified.verdict === "valid" && verified.vouched[0]?.size === 1_701, verified);

await using other = await openTemporaryFolder("log");
const shorter = await sampleLog(other.path, key).grow(10);
const rolledBack = await submit(other.path, shorter);
expect("a log that was rolled back is refused", rolledBack === "WITNESS_CONFLICT", rolledBack);
await using third = await openTemporaryFolder("log");
const begun = sampleLog(third.path, generateNoteKey(key.name));
const wrongKey = await submit(third.path, await begun.grow(2_000));
expect("a log under another key is refused", wrongKey === "WITNESS_REFUSED", wrongKey);
await using fourth = await openTemporaryFolder("log");
const unknown = await submit(
  fourth.path,
  await sampleLog(fourth.path, generateNoteKey("example.com/other")).grow(3),
);
expect("a log it does not know is refused", unknown === "WITNESS_REFUSED", unknown);
await using fifth = await openTemporaryFolder("log");
const forked = sampleLog(fifth.path, key, "other");
for (const entries of [1_001, 500]) {
  const found = await submit(fifth.path, await forked.grow(entries));
  expect(`a split view, after ${entries} more entries, is found out`, found === "WITNESS_CONFLICT", found);
}

console.log(`${failed === 0 ? "all passed" : `${failed} failed`}`);
process.exitCode = failed > 0 ? 1 : 0;
stop();
