/** Policies that somebody wrote, and the seals that were seen. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openTemporaryFolder } from "@cupel/base";
import { openPolicy } from "../../src/policy/open-policy.ts";
import { admitSeal, readSeenSeals } from "../../src/policy/seen-seals.ts";
import { drawSigner } from "../support/sealed-model.ts";

const signer = await drawSigner();
const zero = "0".repeat(64);

test("keys are taken from beside the policy, or from its own text", async () => {
  await using folder = await openTemporaryFolder("policy");
  await mkdir(join(folder.path, "keys"));
  await writeFile(join(folder.path, "keys", "release.pem"), signer.publicKeyPem);
  const path = join(folder.path, "policy.json");
  await writeFile(
    path,
    JSON.stringify({
      signers: [{ key: "keys/release.pem" }, { key: signer.publicKeyPem }],
      state: "../seen.json",
      revoked: { certificates: [Array(32).fill("AB").join(":")] },
    }),
  );
  const { trust, roots, revoked, state } = await openPolicy(path);
  assert.deepEqual(
    trust.keys.map(({ keyId }) => keyId),
    [signer.keyId, signer.keyId],
  );
  assert.equal(roots, null);
  assert.deepEqual(revoked, { roots: [], keys: [], certificates: ["ab".repeat(32)] });
  assert.equal(state, join(folder.path, "..", "seen.json"));
});

test("a policy that is not understood is refused, with the place of its mistake", async () => {
  await using folder = await openTemporaryFolder("policy");
  const path = join(folder.path, "policy.json");
  const refusal = async (content: unknown) => {
    await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
    const thrown = await openPolicy(path).catch((error) => error);
    return [thrown.code, thrown.details.pointer, String(thrown.message)];
  };
  const key = { key: signer.publicKeyPem };
  const cases: readonly [unknown, string, RegExp][] = [
    ["{", "", /must be JSON/],
    [[], "", /must be an object/],
    [{}, "", /lets nothing in/],
    [{ signers: [] }, "/signers", /at least one signer/],
    [{ signers: [key] }, "/state", /must name a file/],
    [{ signers: [key], rollback: "allow", state: "s" }, "/state", /of use only/],
    [{ roots: [zero], state: "s" }, "/state", /of use only/],
    [{ signers: [key], state: "" }, "/state", /not empty/],
    [{ signers: [key], state: "s", rollback: "never" }, "/rollback", /refuse, allow/],
    [{ signers: [key], state: "s", revokd: {} }, "/revokd", /did you mean revoked\?/],
    [{ signers: [key], state: "s", revoked: { key: [] } }, "/revoked/key", /did you mean keys\?/],
    [{ signers: [key], state: "s", revoked: { roots: [zero, "00"] } }, "/revoked/roots/1", /64 digits/],
    [{ signers: [key], state: "s", roots: [zero.toUpperCase().replace("0", "A")] }, "/roots/0", /lower-case/],
    [{ signers: [key, { certficate: "x" }], state: "s" }, "/signers/1", /one of key, certificate/],
    [{ signers: [{ ...key, certificate: "x" }], state: "s" }, "/signers/0/certificate", /not known/],
    [{ signers: [{ key: "none.pem" }], state: "s" }, "/signers/0/key", /none\.pem cannot be read/],
    [{ signers: [{ key: "policy.json" }], state: "s" }, "/signers/0/key", /not one public key/],
    [
      { signers: [{ certificate: signer.publicKeyPem }], state: "s" },
      "/signers/0/certificate",
      /no certificate/,
    ],
    ['{"__proto__": {"signers": []}, "roots": []}', "/__proto__", /not known/],
    ['{"a/b": 1}', "/a~1b", /not known/],
  ];
  for (const [content, pointer, words] of cases) {
    const [code, at, message] = await refusal(content);
    const text = JSON.stringify(content).slice(0, 80);
    assert.deepEqual([code, at], ["POLICY_INVALID", pointer], `${text}: ${message}`);
    assert.match(message ?? "", words, text);
  }
  for (const place of [join(folder.path, "none.json"), folder.path]) {
    await assert.rejects(openPolicy(place), { code: "POLICY_UNREADABLE" });
  }
});

test("the seals that were seen only go up, by name, and a damaged file is no empty one", async () => {
  await using folder = await openTemporaryFolder("policy");
  const path = join(folder.path, "state", "seen.json");
  const one = "1".repeat(64);
  assert.equal(await admitSeal(path, { name: "m", sequence: 5, root: zero }), null);
  assert.equal(await admitSeal(path, { name: "__proto__", sequence: 1, root: zero }), null);
  assert.equal(await admitSeal(path, { name: "m", sequence: 5, root: zero }), null, "the same again");
  const seen = { name: "m", sequence: 5, root: zero };
  assert.deepEqual(await admitSeal(path, { name: "m", sequence: 4, root: one }), seen);
  assert.deepEqual(await admitSeal(path, { name: "m", sequence: 5, root: one }), seen, "two of one number");
  assert.equal(await admitSeal(path, { name: "m", sequence: 6, root: one }), null);
  assert.deepEqual([...(await readSeenSeals(path)).keys()].sort(), ["__proto__", "m"]);
  const text = await readFile(path, "utf8");
  for (const broken of ["", text.slice(0, -3), text.replace("6", "6.5"), '{"format":"other","seen":[]}']) {
    await writeFile(path, broken);
    await assert.rejects(admitSeal(path, { name: "m", sequence: 7, root: zero }), {
      code: "SEEN_SEALS_INVALID",
    });
    assert.equal(await readFile(path, "utf8"), broken, "it is left as it is");
  }
});

test("processes that share the file lose nothing that another one saw", async () => {
  await using folder = await openTemporaryFolder("policy");
  const path = join(folder.path, "seen.json");
  const script = fileURLToPath(new URL("../support/admit-seals.ts", import.meta.url));
  const ends = [0, 1, 2].map((i) => once(fork(script, [path, String(i)]), "exit"));
  assert.deepEqual(await Promise.all(ends), Array(3).fill([0, null]));
  const seen = await readSeenSeals(path);
  assert.deepEqual([...seen.values()].map(({ name, sequence }) => `${name} ${sequence}`).sort(), [
    "own0 10",
    "own1 10",
    "own2 10",
    "shared 32",
  ]);
});
