/** Keys of a hardware module, which SoftHSM stands for where it is installed. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { CupelError, openTemporaryFolder } from "@cupel/base";
import { openPkcs11Keys } from "../../src/keys/pkcs11-keys.ts";
import { openTestKeys } from "../support/keys.ts";

const library = [
  "/usr/lib/softhsm/libsofthsm2.so",
  "/usr/lib64/pkcs11/libsofthsm2.so",
  "/usr/local/lib/softhsm/libsofthsm2.so",
].find((each) => existsSync(each));
const skip =
  library === undefined
    ? "no libsofthsm2.so: install softhsm2"
    : !isBuiltin("node:ffi") && `Node.js ${process.version} has no node:ffi`;
const pin = "1234-the-pin";
const token = "cupel test";

/** A token with AES keys of these labels, in a folder of its own. */
async function openToken(labels: readonly string[]) {
  const folder = await openTemporaryFolder("softhsm");
  await mkdir(join(folder.path, "tokens"));
  const conf = join(folder.path, "softhsm2.conf");
  await writeFile(conf, `directories.tokendir = ${join(folder.path, "tokens")}\nlog.level = ERROR\n`);
  process.env.SOFTHSM2_CONF = conf;
  const util = (...args: string[]) => execFileSync("softhsm2-util", args, { stdio: "pipe" });
  util("--init-token", "--free", "--label", token, "--pin", pin, "--so-pin", "12345678");
  for (const [i, label] of labels.entries()) {
    const path = join(folder.path, "key");
    // Letters: the tool stops reading at a byte of nought and imports what it has.
    await writeFile(path, randomBytes(16).toString("hex"));
    util("--import", path, "--aes", "--token", token, "--label", label, "--id", `0${i}`, "--pin", pin);
  }
  return folder;
}

test("keys of subjects are wrapped in the module; rotated, old ones are read", { skip }, async () => {
  await using token_ = await openToken(["2026-01", "2026-02"]);
  const folder = join(token_.path, "audit");
  const options = { library: library!, token, pin };
  let id: string;
  {
    await using provider = await openPkcs11Keys({ ...options, keys: ["2026-01"] });
    await using keys = await openTestKeys(folder, { provider });
    id = keys.keyOf("alice").id;
  }
  {
    await using provider = await openPkcs11Keys({ ...options, keys: ["2026-02", "2026-01"] });
    await using keys = await openTestKeys(folder, { provider });
    assert.notEqual(keys.keyOf("alice").id, id);
    assert.equal(typeof keys.find(id), "object");
  }
  await using without = await openPkcs11Keys({ ...options, keys: ["2026-02"] });
  await assert.rejects(openTestKeys(folder, { provider: without }), {
    code: "MASKING_KEY_INVALID",
    message: /2026-01/,
  });
});

test("what was changed, or wrapped under another id, is refused; nothing tells the PIN", {
  skip,
}, async () => {
  await using _token = await openToken(["a", "b"]);
  await using provider = await openPkcs11Keys({ library: library!, token, pin, keys: ["a", "b"] });
  const plain = randomBytes(64);
  const wrapped = Buffer.from(await provider.wrap("a", plain));
  assert.deepEqual(await provider.unwrap("a", wrapped), plain);
  assert.notDeepEqual(await provider.wrap("a", plain), wrapped, "each has its IV");
  await assert.rejects(provider.unwrap("b", wrapped), { code: "MASKING_KEY_INVALID" });
  await assert.rejects(provider.unwrap("a", wrapped.subarray(0, 20)), { code: "MASKING_KEY_INVALID" });
  wrapped[wrapped.length - 1]! ^= 1;
  await assert.rejects(provider.unwrap("a", wrapped), { code: "MASKING_KEY_INVALID" });
  assert.ok(!inspect(provider, { depth: 9, showHidden: true }).includes(pin));
});

test("a wrong PIN, token, key or library is told as such", { skip }, async () => {
  await using _token = await openToken(["a"]);
  const right = { library: library!, token, pin, keys: ["a"] as [string] };
  for (const [wrong, code, words] of [
    [{ pin: "wrong-pin" }, "MASKING_KEY_INVALID", /PIN is wrong/],
    [{ token: "other" }, "MASKING_KEY_INVALID", /no token/],
    [{ keys: ["absent"] as [string] }, "MASKING_KEY_INVALID", /there is none/],
    [{ library: "/no/such.so" }, "KEY_PROVIDER_UNAVAILABLE", /does not open/],
    [{ library: "/lib/x86_64-linux-gnu/libc.so.6" }, "KEY_PROVIDER_UNAVAILABLE", /does not open/],
  ] as const) {
    await assert.rejects(openPkcs11Keys({ ...right, ...wrong }), (thrown) => {
      assert.ok(thrown instanceof CupelError);
      assert.equal(thrown.code, code);
      assert.match(thrown.message, words);
      assert.ok(!inspect(thrown, { depth: 9 }).includes("wrong-pin"));
      return true;
    });
  }
  // A failed opening leaves the module as it was.
  await using provider = await openPkcs11Keys(right);
  assert.equal(await provider.currentKeyId(), "a");
});
