/** A policy of masking: its defaults, and every mistake an error at start that says where. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { openMasker } from "../../src/masking/masker.ts";
import { parsePolicy } from "../../src/masking/policy.ts";
import { openTestKeys } from "../support/keys.ts";

test("nothing said, people are pseudonyms, addresses coarse, secrets gone, and what matters is encrypted", () => {
  const { cipher, hash, tags, rules, needsKeys } = parsePolicy({});
  assert.deepEqual([cipher, hash, needsKeys], ["aes-256-gcm", "sha256", true]);
  assert.deepEqual(
    [...tags],
    [
      ["sub.id", "subject"],
      ["ctx.ip", "ip"],
    ],
  );
  assert.equal(rules.get("subject")?.INFO, "pseudonym");
  assert.equal(rules.get("ip")?.INFO, "truncate");
  for (const kind of ["mobile", "email", "residentId", "bankCard"]) {
    assert.deepEqual(rules.get(kind), { INFO: "mask", WARN: "mask", ERROR: "encrypt", CRITICAL: "encrypt" });
  }
  for (const [name, rule] of rules) {
    if (name !== "keep") assert.ok(!Object.values(rule).includes("keep"), `${name} hides something`);
  }
});

test("a mistake is refused with its pointer", () => {
  const table: readonly (readonly [unknown, string])[] = [
    [null, ""],
    [[], ""],
    [{ cypher: "aes-256-gcm" }, "/cypher"],
    [{ hash: "md5" }, "/hash"],
    [{ rules: { mobile: "blur" } }, "/rules/mobile"],
    [{ rules: { mobile: { INFO: "mask" } } }, "/rules/mobile"],
    [{ rules: { moblie: "mask" } }, "/rules/moblie"],
    [{ rules: { "a/b~": "mask" } }, "/rules/a~1b~0"],
    [{ tags: { "sub.id": "subjct" } }, "/tags/sub.id"],
    [{ tags: { "sub.id": "constructor" } }, "/tags/sub.id"],
    [{ tags: { "user.id": "subject" } }, "/tags/user.id"],
    [{ tags: { "sub.id": 7 } }, "/tags/sub.id"],
    [{ detect: ["phone"] }, "/detect/0"],
    [{ impersonal: "service" }, "/impersonal"],
  ];
  for (const [policy, pointer] of table) {
    assert.throws(
      () => parsePolicy(policy),
      { code: "MASKING_POLICY_INVALID", details: { pointer } },
      JSON.stringify(policy),
    );
  }
  assert.throws(() => parsePolicy({ rules: { moblie: "mask" } }), { message: /did you mean mobile/ });
});

test("ECB is refused by name, another cipher as not known", () => {
  for (const cipher of ["sm4-ecb", "aes-256-ecb", "AES-256-ECB"]) {
    assert.throws(() => parsePolicy({ cipher }), {
      code: "CIPHER_REFUSED",
      message: /ECB/,
      details: { pointer: "/cipher", cipher },
    });
  }
  assert.throws(() => parsePolicy({ cipher: "sm4-cbc" }), { code: "CIPHER_REFUSED" });
  assert.throws(() => parsePolicy({ cipher: 7 }), { code: "CIPHER_REFUSED" });
});

test("a policy that needs keys does not open without, and one that needs none does", () => {
  assert.throws(() => openMasker({}, null), { code: "MASKING_KEY_INVALID" });
  assert.throws(() => openMasker({ rules: { subject: "mask" } }, null), { code: "MASKING_KEY_INVALID" });
  const rules = Object.fromEntries(
    ["subject", "email", "residentId", "bankCard", "mobile", "ip"].map((name) => [name, "mask"]),
  );
  openMasker({ rules }, null);
});

test("the cipher and the hash of a policy are those that keys are made with", async () => {
  await using folder = await openTemporaryFolder("policy");
  const { cipher, hash } = parsePolicy({ hash: "sm3" });
  await using keys = await openTestKeys(folder.path, { cipher, hash });
  assert.equal(keys.keyOf("a").cipher, "aes-256-gcm");
});
