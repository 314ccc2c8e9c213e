/** What hostile signers are told, by code, before a file is touched. */
import assert from "node:assert/strict";
import { generateKeyPairSync, type X509Certificate } from "node:crypto";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import {
  type ModelTrust,
  openSigningKey,
  openVerificationKey,
  type SigningKey,
  signModel,
  verifyModel,
} from "../../src/index.ts";
import { formatBundle, parseBundle } from "../../src/signature/bundle.ts";
import { signEnvelope } from "../../src/signature/dsse.ts";
import { verificationKeyOf } from "../../src/signature/signing-key.ts";
import { issue } from "../support/certificates.ts";
import {
  authority,
  byCertificate,
  digits,
  key,
  modelFolder,
  shards,
  signature,
  signed,
  signer,
  statement,
  trust,
  two,
} from "../support/signed-model.ts";

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
