/** Models signed and verified by OMS v1.0: ours and others', what hostile signers and folders are told, and what verification touches. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync, hash, type X509Certificate } from "node:crypto";
import fs from "node:fs";
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder, type TemporaryFolder } from "@cupel/base";
import { Ajv2020 } from "ajv/dist/2020.js";
import {
  describeDifference,
  type ModelTrust,
  openCertificates,
  openSigningKey,
  openVerificationKey,
  type SigningKey,
  signModel,
  type VerifyModelOptions,
  verifyModel,
} from "../../src/index.ts";
import { parseStatement } from "../../src/oms/statement.ts";
import { formatBundle, parseBundle } from "../../src/signature/bundle.ts";
import { signEnvelope } from "../../src/signature/dsse.ts";
import { verificationKeyOf } from "../../src/signature/signing-key.ts";
import { issue } from "../support/certificates.ts";
import { productionRoot, skipWithoutSuites, suitePath } from "../support/suite.ts";

const posix = process.platform === "win32" ? "Windows has no such things" : false;

const authority = issue({ ca: true });
const signer = issue({ by: authority });
const key = await openSigningKey(signer.keyPem);
const trust: ModelTrust = { publicKeys: [verificationKeyOf(signer.certificate.publicKey, "a test")] };
const byCertificate: ModelTrust = { certificates: [authority.certificate] };

async function modelFolder(): Promise<TemporaryFolder> {
  const folder = await openTemporaryFolder("model");
  await mkdir(join(folder.path, "weights"));
  await writeFile(join(folder.path, "config.json"), "{}\n");
  await writeFile(join(folder.path, "weights/one.bin"), "0123456789");
  await writeFile(join(folder.path, "weights/two.bin"), "abcdefghij");
  await writeFile(join(folder.path, "empty.txt"), "");
  return folder;
}

const signature = (folder: TemporaryFolder) => readFile(join(folder.path, "model.sig"));

async function told(
  folder: TemporaryFolder,
  by = trust,
  options: VerifyModelOptions = {},
): Promise<string[]> {
  const verdict = await verifyModel(folder.path, await signature(folder), by, options);
  return verdict.differences.map(describeDifference);
}

/** SHA-256 of "0123456789", and of "abcdefghij". */
const digits = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
const letters = "72399361da6a7754fec986dca5b7cbaf1c810a28ded4abaf56b2106d06cb78b0";

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

/** A bundle over the payload, right in all but what the payload says. */
function signed(payload: string, by: SigningKey = key): Buffer {
  return formatBundle({ kind: "publicKey", hint: by.keyId }, signEnvelope(by, Buffer.from(payload)));
}

interface Resource {
  name: string;
  algorithm?: string | undefined;
  digest?: string | undefined;
}

/** A statement, as somebody else would write it. */
function statement(resources: readonly Resource[], serialization: object = {}, more: object = {}): string {
  const all = resources.map((each) => ({ algorithm: "sha256", digest: digits, ...each }));
  const sum = hash("sha256", Buffer.from(all.map(({ digest }) => digest ?? "").join(""), "hex"));
  return JSON.stringify({
    predicate: {
      resources: all,
      serialization: { method: "files", hash_type: "sha256", allow_symlinks: false, ...serialization },
    },
    predicateType: "https://model_signing/signature/v1.0",
    subject: [{ name: "model", digest: { sha256: sum } }],
    _type: "https://in-toto.io/Statement/v1",
    ...more,
  });
}

/** Paths that `act` asks the file system for, through whichever function of node:fs. */
async function touched(act: () => Promise<unknown>): Promise<string[]> {
  const paths: string[] = [];
  const watched = (module: object, names: readonly string[]) =>
    names.map((name) => {
      const original: unknown = Reflect.get(module, name);
      assert.ok(typeof original === "function");
      Reflect.set(module, name, (...args: unknown[]) => {
        paths.push(String(args[0]));
        return Reflect.apply(original, module, args);
      });
      return () => Reflect.set(module, name, original);
    });
  const undo = [
    ...watched(fs, ["openSync", "statSync", "lstatSync", "readFileSync", "realpathSync"]),
    ...watched(fs.promises, ["open", "stat", "lstat", "readdir", "readlink", "readFile", "realpath"]),
  ];
  syncBuiltinESMExports();
  try {
    await act();
  } finally {
    for (const each of undo) each();
    syncBuiltinESMExports();
  }
  return paths;
}

const two = [{ name: "weights/one.bin" }, { name: "weights/two.bin", digest: letters }];
const shards = { method: "shards", shard_size: 4 };
const subject = (...subjects: unknown[]) => statement(two, {}, { subject: subjects });

const hostile: readonly [string, code: string, payload: string][] = [
  ...["../model/a", "a/../b", "/etc/passwd", "./a", "a//b", "a/", "", "a\\b", "a\0b", "a/.."].map(
    (name) => [`the path ${JSON.stringify(name)}`, "STATEMENT_PATH_REFUSED", statement([{ name }])] as const,
  ),
  ["a shard that leads out", "STATEMENT_PATH_REFUSED", statement([{ name: "../a:0:4" }], shards)],
  ["an ignored path that leads out", "STATEMENT_PATH_REFUSED", statement(two, { ignore_paths: ["../x"] })],
  ["all of it ignored", "STATEMENT_PATH_REFUSED", statement(two, { ignore_paths: ["."] })],
  ["a signed path that is ignored", "STATEMENT_INVALID", statement(two, { ignore_paths: ["weights"] })],
  ["an ignored path that is none", "STATEMENT_INVALID", statement(two, { ignore_paths: [1] })],
  ["no resource", "MODEL_EMPTY", statement([])],
  ["a name twice", "STATEMENT_INVALID", statement([...two, two[0]!])],
  ["a folder's name beside files", "STATEMENT_INVALID", statement([...two, { name: "." }])],
  ["no digest", "STATEMENT_INVALID", statement([{ name: "a", digest: undefined }])],
  ["an empty digest", "STATEMENT_INVALID", statement([{ name: "a", digest: "" }])],
  ["a digest in capitals", "STATEMENT_INVALID", statement([{ name: "a", digest: digits.toUpperCase() }])],
  ["another hash", "STATEMENT_INVALID", statement([{ name: "a", algorithm: "md5" }])],
  ["no hash", "STATEMENT_INVALID", statement([{ name: "a", algorithm: undefined }])],
  ["a hash that is not taken", "STATEMENT_UNSUPPORTED", statement(two, { hash_type: "blake3" })],
  ["another hash than is said", "STATEMENT_UNSUPPORTED", statement([{ name: "a", algorithm: "blake2b" }])],
  ["another method", "STATEMENT_INVALID", statement(two, { method: "tree" })],
  ["links by a text", "STATEMENT_INVALID", statement(two, { allow_symlinks: "false" })],
  ["more in the serialization", "STATEMENT_INVALID", statement(two, { more: 1 })],
  ["no subject", "STATEMENT_INVALID", subject()],
  ["a subject twice", "STATEMENT_INVALID", subject({ name: "a", digest: {} }, { name: "a", digest: {} })],
  ["a subject without digest", "STATEMENT_INVALID", subject({ name: "a", digest: { sm3: digits } })],
  ["another subject", "STATEMENT_INVALID", subject({ name: "a", digest: { sha256: digits } })],
  [
    "another statement",
    "STATEMENT_INVALID",
    statement(two, {}, { predicateType: "https://slsa.dev/provenance/v1" }),
  ],
  ["another type", "STATEMENT_INVALID", statement(two, {}, { _type: "https://in-toto.io/Statement/v0.1" })],
  ["no predicate", "STATEMENT_INVALID", statement(two, {}, { predicate: undefined })],
  ["no JSON", "STATEMENT_INVALID", "{"],
  ["a list", "STATEMENT_INVALID", "[]"],
  ["shards without a size", "STATEMENT_INVALID", statement([{ name: "a:0:4" }], { method: "shards" })],
  ["shards of no size", "STATEMENT_INVALID", statement([{ name: "a:0:4" }], { ...shards, shard_size: 0 })],
  ["a size without shards", "STATEMENT_INVALID", statement(two, { shard_size: 4 })],
  ...[
    ["a"],
    ["a:0"],
    ["a:4:0"],
    ["a:0:0"],
    ["a:0:5"],
    ["a:1:4"],
    ["a:4:8"],
    ["a:-4:0"],
    ["a:00:4"],
    ["a:0:4", "a:0:4"],
    ["a:0:4", "a:3:7"],
    ["a:0:4", "a:8:12"],
    ["a:0:3", "a:4:8"],
    ["a:0:4", "a:4:9"],
  ].map((names) => {
    const payload = statement(
      names.map((name) => ({ name })),
      shards,
    );
    return [`the shards ${names}`, "STATEMENT_INVALID", payload] as const;
  }),
].map(([name, code, payload]) => [name ?? "", code ?? "", payload ?? ""]);

test("a statement that is not right is refused by its code, and no file is touched before", async () => {
  await using folder = await modelFolder();
  for (const [name, code, payload] of hostile) {
    const paths = await touched(() =>
      assert.rejects(verifyModel(folder.path, signed(payload), trust), { code }, name),
    );
    assert.deepEqual(paths, [], name);
  }
  // The watch sees what is touched when all is right.
  const payload = statement(two, { ignore_paths: ["config.json", "empty.txt"] });
  const paths = await touched(() => verifyModel(folder.path, signed(payload), trust));
  assert.ok(paths.includes(join(folder.path, "weights/one.bin")));
  assert.ok(!paths.some((path) => path.endsWith("config.json")));
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
    part("weights/one.bin:8:10", "89"),
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

test("only a trusted signer's own signature counts", async () => {
  await using folder = await modelFolder();
  const { bundle } = await signModel(folder.path, { key });
  const verify = (bytes: Uint8Array, by: ModelTrust) => verifyModel(folder.path, bytes, by);
  const stranger = issue({ curve: "P-384" });
  const strange = await openSigningKey(stranger.keyPem);
  const strangers = { publicKeys: [verificationKeyOf(stranger.certificate.publicKey, "a test")] };
  const payload = statement(two);
  const forged = formatBundle(
    { kind: "publicKey", hint: key.keyId },
    signEnvelope(strange, Buffer.from(payload)),
  );
  const nameless = (by: SigningKey) => {
    const envelope = signEnvelope(by, Buffer.from(payload));
    const text = formatBundle({ kind: "publicKey", hint: "" }, envelope).toString();
    return Buffer.from(
      text.replace('"hint": ""', `"rawBytes": "${Buffer.from(by.publicKeyPem).toString("base64")}"`),
    );
  };
  const typed = signEnvelope(key, Buffer.from(payload), "application/json");
  const { envelope } = parseBundle(bundle, "a test");
  const other = { ...envelope, payload: Buffer.from(String(envelope.payload).replace("config", "konfig")) };
  const material = { kind: "publicKey", hint: key.keyId } as const;
  const chain = (certificates: readonly X509Certificate[], by = key) =>
    formatBundle({ kind: "certificateChain", certificates }, signEnvelope(by, Buffer.from(payload)));
  const { privateKey } = generateKeyPairSync("ed25519");
  const edwards = await openSigningKey(Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" })));
  const edwardsTrust = { publicKeys: [await openVerificationKey(Buffer.from(edwards.publicKeyPem))] };

  const refused: readonly [string, Uint8Array, ModelTrust, string][] = [
    ["nothing is trusted", bundle, {}, "SIGNER_UNKNOWN"],
    ["another key, of another curve", bundle, strangers, "SIGNER_UNKNOWN"],
    ["only certificates are trusted", bundle, byCertificate, "SIGNER_UNKNOWN"],
    ["the name of a trusted key, on another's signature", forged, trust, "DSSE_SIGNATURE_INVALID"],
    ["another's without a name", nameless(strange), trust, "DSSE_SIGNATURE_INVALID"],
    [
      "another's without a name, and several keys",
      nameless(strange),
      { publicKeys: [...trust.publicKeys!, ...trust.publicKeys!] },
      "DSSE_SIGNATURE_INVALID",
    ],
    ["another payload", formatBundle(material, other), trust, "DSSE_SIGNATURE_INVALID"],
    ["another payload type", formatBundle(material, typed), trust, "BUNDLE_INVALID"],
    [
      "a type changed after",
      formatBundle(material, { ...envelope, payloadType: "text/plain" }),
      trust,
      "BUNDLE_INVALID",
    ],
    [
      "two signatures",
      formatBundle(material, { ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }),
      trust,
      "BUNDLE_INVALID",
    ],
    ["a key that signs no models", signed(payload, edwards), edwardsTrust, "SIGNING_KEY_UNSUPPORTED"],
    [
      "certificates in the wrong order",
      chain([authority.certificate, signer.certificate]),
      byCertificate,
      "SIGNER_CERTIFICATE_INVALID",
    ],
    [
      "a certificate of another",
      chain([signer.certificate], strange),
      byCertificate,
      "DSSE_SIGNATURE_INVALID",
    ],
    [
      "its own authority",
      chain([stranger.certificate, stranger.certificate], strange),
      byCertificate,
      "SIGNER_UNKNOWN",
    ],
  ];
  for (const [name, bytes, by, code] of refused) await assert.rejects(verify(bytes, by), { code }, name);
  const several = { publicKeys: [...strangers.publicKeys, ...trust.publicKeys!] };
  assert.deepEqual((await verify(nameless(key), several)).signer, { kind: "key", keyId: key.keyId });
  assert.equal((await verify(chain([signer.certificate]), byCertificate)).signer.kind, "certificate");

  await assert.rejects(signModel(folder.path, { key: edwards }), { code: "SIGNING_KEY_UNSUPPORTED" });
  const wrongChain = { key, certificateChain: [stranger.certificate] };
  await assert.rejects(signModel(folder.path, wrongChain), { code: "SIGNING_KEY_INVALID" });
  await assert.rejects(signModel(folder.path, { key, certificateChain: [authority.certificate] }), {
    code: "SIGNER_CERTIFICATE_INVALID",
  });
  const everything = ["config.json", "empty.txt", "weights"];
  await assert.rejects(signModel(folder.path, { key, exclude: everything }), { code: "MODEL_EMPTY" });
  assert.deepEqual(await signature(folder), bundle, "what was refused wrote nothing");
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

test("what we sign is of the suite's schemas; its vectors are read, or refused by name", {
  skip: skipWithoutSuites,
}, async () => {
  const read = async (...names: string[]) => readFile(suitePath("oms", ...names));
  const ajv = new Ajv2020({ strict: false });
  const names = ["predicate", "statement", "envelope", "bundle"];
  const schemas = await Promise.all(
    names.map(async (name) => JSON.parse(String(await read("schemas/v1.0", `${name}.schema.json`)))),
  );
  for (const schema of schemas) ajv.addSchema(schema);
  const assertConforms = (name: string, value: unknown) => {
    assert.ok(ajv.validate(`https://model_signing/${name}/v1.0/schema`, value), ajv.errorsText());
  };
  await using folder = await modelFolder();
  for (const certificateChain of [undefined, [signer.certificate]]) {
    const { bundle } = await signModel(folder.path, { key, certificateChain });
    assertConforms("bundle", JSON.parse(String(bundle)));
    assertConforms("statement", JSON.parse(String(parseBundle(bundle, "a test").envelope.payload)));
  }

  const vectors = "test-vectors/v1.0";
  for (const name of await readdir(suitePath("oms", vectors, "valid"))) {
    const { material, envelope } = parseBundle(await read(vectors, "valid", name), name);
    assert.equal(
      material.kind,
      { certificate: "certificateChain", key: "publicKey", sigstore: "certificate" }[name.split(".")[0]!],
    );
    assert.equal(parseStatement(envelope.payload, name).resources.length, 2);
  }
  for (const name of await readdir(suitePath("oms", vectors, "invalid"))) {
    const bytes = await read(vectors, "invalid", name);
    assert.throws(() => parseBundle(bytes, name), { code: "BUNDLE_INVALID" }, name);
  }
  for (const name of await readdir(suitePath("oms", vectors, "invalid-payload"))) {
    const { envelope } = parseBundle(await read(vectors, "invalid-payload", name), name);
    assert.throws(() => parseStatement(envelope.payload, name), { code: "STATEMENT_INVALID" }, name);
  }
});

const publisher = { identity: "stefanb@us.ibm.com", issuer: "https://sigstore.verify.ibm.com/oauth2" };

test("all bundles that model-signing published verify, from 0.3.1 on; 0.2.0 is refused by name", {
  skip: skipWithoutSuites,
}, async (t) => {
  const at = (...names: string[]) => suitePath("oms-bundles", ...names);
  const trustedRoot = productionRoot();
  const publishers: ModelTrust = {
    publicKeys: [await openVerificationKey(at("keys/signing-key-pub.pem"))],
    certificates: await openCertificates(at("keys/ca-cert.pem")),
    keyless: trustedRoot === null ? undefined : { trustedRoot, ...publisher },
  };
  const versions = (await readdir(at())).filter((name) => name.startsWith("v"));
  assert.equal(versions.length, 13);
  for (const version of versions) {
    const bundle = await readFile(at(version, "model.sig"));
    const { resources } = parseStatementOrNone(bundle, version);
    const model = resources.some(({ path }) => path === ".") ? at(version, "signme-1") : at(version);
    // Those before 1.1 do not say that it was left out.
    const verify = () => verifyModel(model, bundle, publishers, { ignore: ["ignore-me"] });
    if (version.startsWith("v0.2")) {
      await assert.rejects(verify, { code: "STATEMENT_UNSUPPORTED" });
    } else if (version.endsWith("sigstore") && trustedRoot === null) {
      await assert.rejects(verify, { code: "SIGNER_UNKNOWN" });
      t.diagnostic(`${version} is not verified: set CUPEL_TRUSTED_ROOT to Sigstore's trusted_root.json`);
    } else {
      assert.deepEqual((await verify()).differences, [], version);
    }
  }
});

function parseStatementOrNone(
  bundle: Buffer,
  version: string,
): { readonly resources: readonly { path: string }[] } {
  const { payload } = parseBundle(bundle, version).envelope;
  return version.startsWith("v0.2") ? { resources: [] } : parseStatement(payload, version);
}
