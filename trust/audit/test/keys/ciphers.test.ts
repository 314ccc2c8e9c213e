/** The ciphers and MACs that masking stands on, against what others published: Wycheproof, and the examples of the standards. */
import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, getCiphers, hash } from "node:crypto";
import { test } from "node:test";
import {
  assertCipher,
  type CipherName,
  cipherKeyBytes,
  createIvSource,
  seal,
  unseal,
} from "../../src/keys/authenticated-cipher.ts";
import { hmac } from "../../src/keys/generations.ts";
import { type GcmCase, type HmacCase, readWycheproof, skipWithoutSuites } from "../support/wycheproof.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const withoutSm4 = getCiphers().includes("sm4-gcm") ? false : `Node.js ${process.version} has no SM4-GCM`;

/** @returns ids of the cases of our form that came out otherwise, and how many there were */
function runGcm(cipher: CipherName, file: string) {
  const missed: number[] = [];
  let count = 0;
  for (const { ivSize, keySize, tagSize, tests } of readWycheproof<GcmCase>(file)) {
    // Masking writes 96 bits of IV and 128 of tag, and nothing else.
    if (ivSize !== 96 || tagSize !== 128 || keySize !== cipherKeyBytes[cipher] * 8) continue;
    for (const { tcId, key, iv, aad, msg, ct, tag, result } of tests) {
      count++;
      const plain = unseal(cipher, hex(key), hex(iv), hex(aad), { data: hex(ct), tag: hex(tag) });
      const isRight = plain?.equals(hex(msg)) ?? false;
      const made = seal(cipher, hex(key), hex(iv), hex(aad), hex(msg));
      const isMade = made.data.equals(hex(ct)) && made.tag.equals(hex(tag));
      if (result === "valid" ? !isRight || !isMade : plain !== null) missed.push(tcId);
    }
  }
  return { missed, count };
}

/** Every case of the file by Node's own functions, the lengths that masking never writes included. */
function runAll(nameOf: (keySize: number) => string, file: string): readonly string[] {
  return readWycheproof<GcmCase>(file).flatMap(({ ivSize, keySize, tagSize, tests }) =>
    tests
      .filter(({ key, iv, aad, ct, tag, msg, result }) => {
        let plain: Buffer | null = null;
        try {
          const name: string = nameOf(keySize);
          const opening = createDecipheriv(name as "aes-256-gcm", hex(key), hex(iv), {
            authTagLength: tagSize / 8,
          });
          opening.setAAD(hex(aad)).setAuthTag(hex(tag));
          plain = Buffer.concat([opening.update(hex(ct)), opening.final()]);
        } catch {
          // Refused: right where the case is invalid.
        }
        return (plain?.equals(hex(msg)) ?? false) !== (result === "valid");
      })
      .map(({ tcId }) => `${tcId}: ${ivSize} bit of IV`),
  );
}

test("AES-256-GCM opens and makes every case of Wycheproof of its form", { skip: skipWithoutSuites }, () => {
  const { missed, count } = runGcm("aes-256-gcm", "aes_gcm");
  assert.deepEqual(missed, []);
  assert.equal(count, 66);
});

test("SM4-GCM does", { skip: skipWithoutSuites || withoutSm4 }, () => {
  const { missed, count } = runGcm("sm4-gcm", "sm4_gcm");
  assert.deepEqual(missed, []);
  assert.ok(count >= 60, String(count));
});

test("of all cases Node misses those whose IV has 257 bytes, which it refuses and masking never writes", {
  skip: skipWithoutSuites || withoutSm4,
}, () => {
  const long = 257 * 8;
  const missed = [...runAll(() => "sm4-gcm", "sm4_gcm"), ...runAll((bits) => `aes-${bits}-gcm`, "aes_gcm")];
  assert.equal(missed.length, 4);
  for (const each of missed) assert.match(each, new RegExp(`: ${long} bit of IV$`));
});

test("HMAC-SM3 agrees with all 174 cases of Wycheproof", { skip: skipWithoutSuites }, () => {
  let count = 0;
  for (const { tagSize, tests } of readWycheproof<HmacCase>("hmac_sm3")) {
    for (const { tcId, key, msg, tag, result } of tests) {
      const made = hmac("sm3", hex(key), hex(msg)).subarray(0, tagSize / 8);
      assert.equal(made.equals(hex(tag)), result === "valid", `case ${tcId}`);
      count++;
    }
  }
  assert.equal(count, 174);
});

test("SM3 and SM4 give what the annexes of GB/T 32905 and 32907 print", () => {
  assert.equal(hash("sm3", "abc"), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
  const key = hex("0123456789abcdeffedcba9876543210");
  // Bare ECB is the block function itself, which is what the annex prints; masking refuses it.
  const block = createCipheriv("sm4-ecb", key, null).setAutoPadding(false);
  let bytes = block.update(key);
  assert.equal(bytes.toString("hex"), "681edf34d206965e86b3e94f536e4246");
  for (let round = 1; round < 1_000_000; round++) bytes = block.update(bytes);
  assert.equal(bytes.toString("hex"), "595298c7c6fd271f0402f804c33d3f66");
});

test("ECB is refused by name, what is not known too", () => {
  for (const name of ["aes-256-ecb", "sm4-ecb", "SM4-ECB", "id-aes256-ECB"]) {
    assert.throws(() => assertCipher(name, "/cipher"), { code: "CIPHER_REFUSED", message: /ECB shows/ });
  }
  for (const name of ["aes-256-cbc", "rot13", "", "__proto__"]) {
    assert.throws(() => assertCipher(name, "/cipher"), { code: "CIPHER_REFUSED" });
  }
});

test("a million IVs are a million different ones, and each source has its own", () => {
  const next = createIvSource();
  const other = createIvSource();
  const seen = new Set<string>();
  for (let i = 0; i < 500_000; i++) seen.add(next().toString("latin1")).add(other().toString("latin1"));
  assert.equal(seen.size, 1_000_000);
});

test("any byte changed, of key, IV, bound, text or tag, opens nothing", () => {
  const parts = () => ({
    key: Buffer.alloc(32, 1),
    iv: Buffer.alloc(12, 2),
    bound: Buffer.from("event"),
    ...seal(
      "aes-256-gcm",
      Buffer.alloc(32, 1),
      Buffer.alloc(12, 2),
      Buffer.from("event"),
      Buffer.from("secret"),
    ),
  });
  const open = ({ key, iv, bound, data, tag }: ReturnType<typeof parts>) =>
    unseal("aes-256-gcm", key, iv, bound, { data, tag });
  assert.equal(open(parts())?.toString(), "secret");
  for (const name of ["key", "iv", "bound", "data", "tag"] as const) {
    const changed = parts();
    changed[name][0]! ^= 1;
    assert.equal(open(changed), null, name);
  }
});
