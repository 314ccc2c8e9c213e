/** Models are signed and verified by OMS v1.0: each change is told, and verification touches nothing but what it must. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder, type TemporaryFolder } from "@cupel/base";
import {
  describeDifference,
  openSigningKey,
  openVerificationKey,
  signModel,
  type VerifyModelOptions,
  verifyModel,
} from "../../src/index.ts";
import { parseStatement } from "../../src/oms/statement.ts";
import { parseBundle } from "../../src/signature/bundle.ts";
import { issue } from "../support/certificates.ts";
import {
  authority,
  byCertificate,
  digits,
  key,
  letters,
  modelFolder,
  shards,
  signature,
  signed,
  signer,
  statement,
  trust,
  two,
} from "../support/signed-model.ts";

const posix = process.platform === "win32" ? "Windows has no such things" : false;

async function told(
  folder: TemporaryFolder,
  by = trust,
  options: VerifyModelOptions = {},
): Promise<string[]> {
  const verdict = await verifyModel(folder.path, await signature(folder), by, options);
  return verdict.differences.map(describeDifference);
}

test("a signed model verifies by key and by certificate, on every curve, and each change is told", async () => {
  await using folder = await modelFolder();
  for (const curve of ["P-256", "P-384", "P-521"]) {
    const own = issue({ by: authority, curve });
    const ownKey = await openSigningKey(own.keyPem);
    await signModel(folder.path, { key: ownKey });
    const publicKeys = [await openVerificationKey(Buffer.from(ownKey.publicKeyPem))];
    assert.deepEqual(await told(folder, { publicKeys }), [], curve);
    await signModel(folder.path, { key: ownKey, certificateChain: [own.certificate] });
    const verdict = await verifyModel(folder.path, await signature(folder), byCertificate);
    assert.deepEqual(verdict.differences, []);
    const { kind, fingerprint } = verdict.signer as { kind: string; fingerprint: string };
    assert.equal(kind, "certificate");
    assert.equal(fingerprint, own.certificate.fingerprint256.replaceAll(":", "").toLowerCase());
  }
  const { bundle } = await signModel(folder.path, { key });
  const { resources, serialization } = parseStatement(
    parseBundle(bundle, "a test").envelope.payload,
    "a test",
  );
  assert.deepEqual(resources.map(({ path, size, sha256 }) => [path, size, sha256]).slice(2), [
    ["weights/one.bin", 10, digits],
    ["weights/two.bin", 10, letters],
  ]);
  assert.deepEqual([serialization.allowSymlinks, serialization.shardSize], [false, null]);

  await rename(join(folder.path, "weights/one.bin"), join(folder.path, "weights/three.bin"));
  await writeFile(join(folder.path, "weights/two.bin"), "0123456789");
  await writeFile(join(folder.path, "config.json"), "{}");
  await writeFile(join(folder.path, "extra.py"), "import os");
  await rm(join(folder.path, "empty.txt"));
  assert.deepEqual(await told(folder), [
    '"config.json" was changed: it has 2 bytes and not 3',
    'the file "empty.txt" is missing',
    'the file "extra.py" was added',
    '"weights/one.bin" was renamed to "weights/three.bin"',
    '"weights/two.bin" was changed: it has the content of "weights/one.bin"',
  ]);
});

test("what belongs to git, and what the signer left out, is not looked at, whatever is in it", {
  skip: posix,
}, async () => {
  await using folder = await modelFolder();
  const at = (name: string) => join(folder.path, name);
  await mkdir(at(".git"));
  await symlink("round", at(".git/round"));
  await mkdir(at("cache"));
  await symlink("/etc/passwd", at("cache/outside"));
  await symlink("two", at("cache/one"));
  await symlink("one", at("cache/two"));
  execFileSync("mkfifo", [at("cache/pipe")]);
  await signModel(folder.path, { key, exclude: ["cache"] });
  assert.deepEqual(await told(folder), []);
  // The same name further down is a file like others.
  await writeFile(at("weights/.gitignore"), "*");
  assert.deepEqual(await told(folder), ['the file "weights/.gitignore" was added']);
  assert.deepEqual(await told(folder, trust, { ignore: ["weights/.gitignore"] }), []);
  // A verifier cannot leave out what is signed.
  await writeFile(at("weights/one.bin"), "?");
  const changes = await told(folder, trust, { ignore: ["weights", "weights/one.bin"] });
  assert.deepEqual(changes, [
    'the file "weights/.gitignore" was added',
    '"weights/one.bin" was changed: it has 1 bytes and not 10',
  ]);
});

test("a link that was not there is a difference; one that was signed is the file that it leads to", {
  skip: posix,
}, async () => {
  await using folder = await modelFolder();
  const at = (name: string) => join(folder.path, name);
  await signModel(folder.path, { key });
  await symlink("config.json", at("link"));
  assert.deepEqual(await told(folder), ['the link "link" was added']);
  await rm(at("config.json"));
  await writeFile(at("other.json"), "{}\n");
  await rm(at("link"));
  await symlink("other.json", at("config.json"));
  assert.deepEqual(await told(folder), [
    '"config.json" is a link and not a file',
    'the file "other.json" was added',
  ]);

  await symlink("weights", at("folder"));
  await signModel(folder.path, { key });
  assert.deepEqual(await told(folder), []);
  await rm(at("config.json"));
  await symlink("weights/one.bin", at("config.json"));
  assert.deepEqual(await told(folder), [
    '"config.json" was changed: it has the content of "weights/one.bin"',
  ]);
  for (const target of ["/etc/passwd", "../outside", "config.json"]) {
    await rm(at("config.json"));
    await symlink(target, at("config.json"));
    await assert.rejects(told(folder), { code: "LINK_REFUSED" });
    await assert.rejects(signModel(folder.path, { key }), { code: "LINK_REFUSED" });
  }
  await rm(at("config.json"));
  await symlink("nothing", at("config.json"));
  await assert.rejects(signModel(folder.path, { key }), {
    code: "LINK_REFUSED",
    message: /leads to nothing/,
  });
});

test("the payload is verified as it was found, in whatever form its signer wrote it", async () => {
  await using folder = await modelFolder();
  const payload = statement(two, { ignore_paths: ["config.json", "empty.txt"] })
    .replaceAll(",", " ,\n\t")
    .replace("weights/one.bin", "weights\\u002fone.bin");
  assert.ok(payload.includes("\\u002f"));
  const { differences } = await verifyModel(folder.path, signed(payload), trust);
  assert.deepEqual(differences, []);
});

test("shards: each is compared, and a file is what all of its shards are", async () => {
  await using folder = await modelFolder();
  const part = (name: string, text: string) => ({ name, digest: hash("sha256", text) });
  const parts = [
    // So the reference implementation names the hash of a shard.
    { ...part("weights/one.bin:8:10", "89"), algorithm: "sha256-sharded-4" },
    part("weights/one.bin:0:4", "0123"),
    part("weights/one.bin:4:8", "4567"),
    part("weights/two.bin:0:4", "abcd"),
    part("weights/two.bin:4:8", "efgh"),
    part("weights/two.bin:8:10", "ij"),
    part("config.json:0:3", "{}\n"),
  ];
  // Two threads: their module is another than that of whole files.
  const verify = async () => {
    const verdict = await verifyModel(folder.path, signed(statement(parts, shards)), trust, { workers: 2 });
    return [verdict.differences.map(describeDifference), verdict.manifest] as const;
  };
  const [differences, manifest] = await verify();
  assert.deepEqual(differences, []);
  assert.deepEqual(
    manifest.map((entry) => (entry.kind === "file" ? [entry.path, entry.sha256] : entry.path)).slice(2),
    [
      ["weights/one.bin", digits],
      ["weights/two.bin", letters],
    ],
  );
  await rename(join(folder.path, "weights/two.bin"), join(folder.path, "moved.bin"));
  await writeFile(join(folder.path, "weights/one.bin"), "01234567891");
  assert.deepEqual((await verify())[0], [
    '"weights/two.bin" was renamed to "moved.bin"',
    '"weights/one.bin" was changed: other content',
  ]);
});

/** Run by another process: prints which modules were loaded. */
const child = `
import { registerHooks } from "node:module";
import { openSync, readFileSync } from "node:fs";
const loaded = [];
registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
const { openVerificationKey, verifyModel } = await import(process.env.ATTEST);
const [folder, mode] = process.argv.slice(1);
const publicKeys = [await openVerificationKey(folder + "-key.pem")];
const keyless = { trustedRoot: {}, identity: "", issuer: "" };
try { openSync("/begin"); } catch {}
let outcome;
try {
  const bundle = readFileSync(folder + (mode === "keyless" ? "-keyless" : "/model.sig"));
  outcome = (await verifyModel(folder, bundle, { publicKeys, keyless })).differences.length;
} catch (thrown) {
  outcome = thrown.code;
}
try { openSync("/end"); } catch {}
console.log(JSON.stringify({ outcome, sigstore: loaded.filter((url) => /sigstore|keyless/.test(url)).length }));
`;

const childArgs = (folder: string, mode: string) => ["--input-type=module", "-e", child, folder, mode];
const env = { ...process.env, ATTEST: new URL("../../src/index.ts", import.meta.url).href };

async function writeChildFiles(folder: string): Promise<void> {
  await signModel(folder, { key });
  await writeFile(`${folder}-key.pem`, key.publicKeyPem);
  const { dsseEnvelope } = JSON.parse(await readFile(join(folder, "model.sig"), "utf8"));
  const certificate = { rawBytes: signer.certificate.raw.toString("base64") };
  const bundle = {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { certificate, tlogEntries: [{}] },
    dsseEnvelope,
  };
  await writeFile(`${folder}-keyless`, JSON.stringify(bundle));
}

test("no module of sigstore is loaded before there is a keyless signature", async () => {
  await using folder = await openTemporaryFolder("modules");
  const model = join(folder.path, "model");
  await mkdir(model);
  await writeFile(join(model, "one.bin"), "0123456789");
  await writeChildFiles(model);
  const run = (mode: string) => {
    const { stdout, stderr } = spawnSync(process.execPath, childArgs(model, mode), { env, encoding: "utf8" });
    return stdout === "" ? stderr : JSON.parse(stdout);
  };
  assert.deepEqual(run("key"), { outcome: 0, sigstore: 0 });
  const { outcome, sigstore } = run("keyless");
  assert.equal(outcome, "KEYLESS_REFUSED");
  assert.ok(sigstore > 10, `${sigstore} modules`);
});

test("verification opens no socket, and no file but those that are named", {
  skip:
    spawnSync("strace", ["--version"]).status === 0 ? false : "there is no strace: apt-get install strace",
}, async () => {
  await using folder = await openTemporaryFolder("sockets");
  const model = join(folder.path, "model");
  await mkdir(model);
  await writeFile(join(model, "one.bin"), "0123456789");
  await writeFile(join(folder.path, "beside.bin"), "0123456789");
  await writeChildFiles(model);
  const trace = join(folder.path, "trace");
  const calls = "trace=%network,open,openat";
  const strace = ["-f", "-e", calls, "-o", trace, process.execPath, ...childArgs(model, "key")];
  const { stdout, stderr } = spawnSync("strace", strace, { env, encoding: "utf8" });
  assert.equal(JSON.parse(stdout || JSON.stringify(stderr)).outcome, 0, stdout);
  const lines = (await readFile(trace, "utf8")).split("\n");
  const ofNetwork = (each: readonly string[]) =>
    each.filter((line) => /^\d+ (socket|connect|bind|listen|accept|send|recv)\w*\(/.test(line));
  // Not on any from the process's begin to its end, and none of another kind, such as Node's own, while it verifies.
  assert.deepEqual(
    ofNetwork(lines).filter((line) => line.includes("AF_INET")),
    [],
  );
  const between = lines.slice(lines.findIndex((line) => line.includes('"/begin"')) + 1);
  const until = between.slice(
    0,
    between.findIndex((line) => line.includes('"/end"')),
  );
  assert.deepEqual(ofNetwork(until), []);
  const opened = new Set(until.flatMap((line) => /open(?:at)?\([^"]*"([^"]+)"/.exec(line)?.[1] ?? []));
  assert.deepEqual([...opened].sort(), [model, join(model, "model.sig"), join(model, "one.bin")]);
});
