/** Keys sign what others verify, and the other way round; what is not exactly a signature or a key is refused by name. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { generateKeyPairSync, sign as signWith } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import {
  openCertificates,
  openSigningKey,
  openVerificationKey,
  type SigningKey,
  type VerificationKey,
} from "../../src/index.ts";
import { preAuthEncoding, signEnvelope, verifyEnvelope } from "../../src/signature/dsse.ts";
import { sm2Verify } from "../../src/signature/sm2.ts";

const message = Buffer.from("what is signed");

async function keyPair(
  type: "ec" | "ed25519" | "ml-dsa-44" | "ml-dsa-65" | "ml-dsa-87",
  namedCurve = "P-256",
): Promise<readonly [SigningKey, VerificationKey]> {
  // One call for each overload of the types.
  const { privateKey } =
    type === "ec"
      ? generateKeyPairSync("ec", { namedCurve })
      : type === "ed25519"
        ? generateKeyPairSync("ed25519")
        : generateKeyPairSync(type);
  const key = await openSigningKey(Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" })));
  return [key, await openVerificationKey(Buffer.from(key.publicKeyPem))];
}

test("the bytes that are signed are those of DSSE's own example", () => {
  const bytes = preAuthEncoding("http://example.com/HelloWorld", Buffer.from("hello world"));
  assert.equal(bytes.toString(), "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  assert.equal(preAuthEncoding("é", Buffer.from("ü")).toString(), "DSSEv1 2 é 2 ü");
});

test("every kind of key verifies its own signature, and no other", async () => {
  const pairs = await Promise.all([
    keyPair("ec", "P-256"),
    keyPair("ec", "P-384"),
    keyPair("ec", "P-521"),
    keyPair("ed25519"),
    keyPair("ml-dsa-44"),
    keyPair("ml-dsa-65"),
    keyPair("ml-dsa-87"),
  ]);
  const names = pairs.map(([{ algorithm }]) => algorithm);
  assert.deepEqual(names, [
    "ecdsa-p256",
    "ecdsa-p384",
    "ecdsa-p521",
    "ed25519",
    "ml-dsa-44",
    "ml-dsa-65",
    "ml-dsa-87",
  ]);
  for (const [key, verifier] of pairs) {
    const signature = key.sign(message);
    assert.equal(key.keyId, verifier.keyId);
    const verified = pairs.filter(([, each]) => each.verify(message, signature));
    assert.deepEqual(
      verified.map(([each]) => each.algorithm),
      [key.algorithm],
    );
    assert.equal(verifier.verify(Buffer.from("what is signee"), signature), false);
  }
});

test("an ECDSA signature in another encoding, or with bytes more or fewer, is none", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = await openVerificationKey(Buffer.from(publicKey.export({ type: "spki", format: "pem" })));
  const signature = signWith("sha256", message, privateKey);
  assert.ok(key.verify(message, signature));
  const raw = signWith("sha256", message, { key: privateKey, dsaEncoding: "ieee-p1363" });
  // The length of the whole in two bytes, where DER has one.
  const longer = Buffer.concat([Buffer.of(0x30, 0x81), signature.subarray(1)]);
  const wrong = {
    raw,
    empty: Buffer.alloc(0),
    "a byte behind": Buffer.concat([signature, Buffer.of(0)]),
    "a byte fewer": signature.subarray(0, -1),
    "a length in its long form": longer,
    "zeros for r and s": Buffer.from("3006020100020100", "hex"),
  };
  for (const [name, each] of Object.entries(wrong)) assert.equal(key.verify(message, each), false, name);

  // The other of the two s of a signature is as good as the first, as in all of ECDSA: nothing here is named by its signature.
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const s = order - BigInt(`0x${raw.subarray(32).toString("hex")}`);
  const turned = Buffer.concat([raw.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, "0"), "hex")]);
  assert.ok(key.verify(message, derOf(raw)));
  assert.ok(key.verify(message, derOf(turned)));
});

/** r and s of 32 bytes each as DER. */
function derOf(raw: Buffer): Buffer {
  const integers = [raw.subarray(0, 32), raw.subarray(32)].map((bytes) => {
    const shortest = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
    const content = shortest[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), shortest]) : shortest;
    return Buffer.concat([Buffer.of(2, content.length), content]);
  });
  const content = Buffer.concat(integers);
  return Buffer.concat([Buffer.of(0x30, content.length), content]);
}

/** GB/T 32918.5 appendix A.2. */
const sm2Example = {
  point: Buffer.from(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020" +
      "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
    "hex",
  ),
  message: Buffer.from("message digest"),
  r: "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3",
  s: "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
};

test("the signature of SM2's own example verifies, and none of its neighbours", () => {
  const { point, message: text, r, s } = sm2Example;
  const signature = derOf(Buffer.from(r + s, "hex"));
  assert.ok(sm2Verify(point, text, signature));
  assert.equal(sm2Verify(point, Buffer.from("message digesu"), signature), false);
  const order = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
  const numbers = {
    "r and s swapped": s + r,
    "the other s": r + (order - BigInt(`0x${s}`)).toString(16).padStart(64, "0"),
    "s of the order": r + order.toString(16),
    "r of the order": order.toString(16) + s,
    "r + s = 0": r + (order - BigInt(`0x${r}`)).toString(16).padStart(64, "0"),
  };
  for (const [name, hex] of Object.entries(numbers)) {
    assert.equal(sm2Verify(point, text, derOf(Buffer.from(hex, "hex"))), false, name);
  }
  for (const junk of [
    Buffer.alloc(0),
    Buffer.from("3006020100020100", "hex"),
    Buffer.concat([signature, Buffer.of(0)]),
    signature.subarray(0, -1),
    Buffer.from(r + s, "hex"),
    Buffer.concat([Buffer.of(0x30, 0x81), signature.subarray(1)]),
  ]) {
    assert.equal(sm2Verify(point, text, junk), false, junk.toString("hex"));
  }
});

const openssl = (...args: readonly string[]) => spawnSync("openssl", args, { encoding: "utf8" });
const hasSm2 = openssl("ecparam", "-name", "SM2", "-noout").status === 0;

test("the openssl command verifies our SM2 signatures, and we verify its; keys in its forms are read", {
  skip: hasSm2 ? false : "there is no openssl that has SM2",
}, async () => {
  await using folder = await openTemporaryFolder("sm2");
  const at = (name: string) => join(folder.path, name);
  const id = ["-sigopt", "distid:1234567812345678"];
  assert.equal(openssl("ecparam", "-name", "SM2", "-genkey", "-out", at("sec1.pem")).status, 0);
  const encrypt = [
    "pkcs8",
    "-topk8",
    "-passout",
    "pass:rain",
    "-in",
    at("sec1.pem"),
    "-out",
    at("locked.pem"),
  ];
  assert.equal(openssl(...encrypt).status, 0);
  assert.equal(openssl("pkey", "-in", at("sec1.pem"), "-pubout", "-out", at("public.pem")).status, 0);
  await writeFile(at("message"), message);
  assert.equal(
    openssl("dgst", "-sm3", "-sign", at("sec1.pem"), ...id, "-out", at("theirs"), at("message")).status,
    0,
  );

  const key = await openSigningKey(at("sec1.pem"));
  const locked = await openSigningKey(at("locked.pem"), "rain");
  const verifier = await openVerificationKey(at("public.pem"));
  assert.deepEqual([key.algorithm, locked.keyId, verifier.keyId], ["sm2", key.keyId, key.keyId]);
  assert.ok(verifier.verify(message, await readFile(at("theirs"))));
  for (const each of [key, locked]) {
    await writeFile(at("ours"), each.sign(message));
    const verify = [
      "dgst",
      "-sm3",
      "-verify",
      at("public.pem"),
      ...id,
      "-signature",
      at("ours"),
      at("message"),
    ];
    assert.equal(openssl(...verify).stdout, "Verified OK\n");
  }
});

test("what is no key, or no key for this, is refused by name", async () => {
  await using folder = await openTemporaryFolder("keys");
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" }));
  const publicPem = Buffer.from(publicKey.export({ type: "spki", format: "pem" }));
  const locked = Buffer.from(
    privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "rain" }),
  );
  const oldLocked = Buffer.from(
    privateKey.export({ type: "sec1", format: "pem", cipher: "aes-256-cbc", passphrase: "rain" }),
  );
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const other = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
  const rsaPem = Buffer.from(rsa.privateKey.export({ type: "pkcs8", format: "pem" }));
  const otherPem = Buffer.from(other.publicKey.export({ type: "spki", format: "pem" }));

  for (const each of [locked, oldLocked]) {
    assert.equal((await openSigningKey(each, "rain")).publicKeyPem, publicPem.toString());
    await assert.rejects(openSigningKey(each), { code: "SIGNING_KEY_INVALID", message: /no passphrase/ });
    await assert.rejects(openSigningKey(each, "snow"), {
      code: "SIGNING_KEY_INVALID",
      message: /passphrase/,
    });
  }
  const refused = [
    [() => openSigningKey(join(folder.path, "none.pem")), "SIGNING_KEY_UNREADABLE"],
    [() => openSigningKey(folder.path), "SIGNING_KEY_UNREADABLE"],
    [() => openSigningKey(Buffer.from("no key")), "SIGNING_KEY_INVALID"],
    [() => openSigningKey(publicPem), "SIGNING_KEY_INVALID"],
    [() => openSigningKey(Buffer.concat([pem, pem])), "SIGNING_KEY_INVALID"],
    [() => openSigningKey(rsaPem), "SIGNING_KEY_UNSUPPORTED"],
    [() => openVerificationKey(pem), "SIGNING_KEY_INVALID"],
    [() => openVerificationKey(Buffer.concat([publicPem, publicPem])), "SIGNING_KEY_INVALID"],
    [() => openVerificationKey(Buffer.from(String(publicPem).replace("MFk", "MFo"))), "SIGNING_KEY_INVALID"],
    [() => openVerificationKey(otherPem), "SIGNING_KEY_UNSUPPORTED"],
    [() => openCertificates(publicPem), "SIGNING_KEY_INVALID"],
  ] as const;
  for (const [open, code] of refused) await assert.rejects(open, { code }, `${open}`);
  const crlf = Buffer.from(String(publicPem).replaceAll("\n", "\r\n"));
  assert.equal((await openVerificationKey(crlf)).publicKeyPem, publicPem.toString());
});

test("an envelope is verified as it was found, with its type, and once", async () => {
  const [key, verifier] = await keyPair("ec");
  const envelope = signEnvelope(key, Buffer.from("{ }"));
  verifyEnvelope(envelope, verifier, "a test");
  const changed = [
    { ...envelope, payload: Buffer.from("{}") },
    { ...envelope, payloadType: "application/json" },
    { ...envelope, signatures: [] },
    { ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] },
    { ...envelope, signatures: [{ sig: key.sign(envelope.payload) }] },
    {
      ...envelope,
      signatures: [{ sig: key.sign(Buffer.from(`DSSEV1 28 ${envelope.payloadType} 3 b'{ }'`)) }],
    },
  ];
  for (const each of changed) {
    assert.throws(() => verifyEnvelope(each, verifier, "a test"), { code: "DSSE_SIGNATURE_INVALID" });
  }
});
