/** Where keys come from: a file, the environment. What is wrong with one is said without it. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { CupelError, openTemporaryFolder } from "@cupel/base";
import { openEnvironmentKeys } from "../../src/keys/environment-keys.ts";
import { openFileKeys } from "../../src/keys/file-keys.ts";
import { createLocalKeys } from "../../src/keys/local-keys.ts";
import { keyRow } from "../support/keys.ts";

const plain = Buffer.from("what is wrapped");

test("what a key wraps, it unwraps: of 32 bytes and of 16, in base64, base64url and hexadecimal", async () => {
  for (const bytes of [32, 16]) {
    for (const encoding of ["base64", "base64url", "hex"] as const) {
      await using keys = createLocalKeys("it", `k1:${randomBytes(bytes).toString(encoding)}`);
      const id = await keys.currentKeyId();
      const wrapped = await keys.wrap(id, plain);
      assert.ok(!Buffer.from(wrapped).includes(plain));
      assert.deepEqual(await keys.unwrap(id, wrapped), plain);
      wrapped[wrapped.length - 1]! ^= 1;
      await assert.rejects(keys.unwrap(id, wrapped), { code: "MASKING_KEY_INVALID" });
      await assert.rejects(keys.unwrap(id, Buffer.alloc(3)), { code: "MASKING_KEY_INVALID" });
    }
  }
});

test("the first row is the current key; older ones unwrap; one that is gone is named", async () => {
  const [first, second] = [keyRow("2026-01"), keyRow("2026-02")];
  await using before = createLocalKeys("it", first);
  const wrapped = await before.wrap("2026-01", plain);
  await using after = createLocalKeys("it", `${second}  # current\n${first}`);
  assert.equal(await after.currentKeyId(), "2026-02");
  assert.deepEqual(await after.unwrap("2026-01", wrapped), plain);
  await using without = createLocalKeys("it", second);
  await assert.rejects(without.unwrap("2026-01", wrapped), {
    code: "MASKING_KEY_INVALID",
    message: /2026-01/,
  });
});

test("a key that cannot be used is refused at once, and neither its text nor what stands for its id is told", () => {
  const secret = randomBytes(32).toString("hex");
  for (const text of [
    "",
    "# nothing",
    secret,
    `${secret}:k1`,
    `k1:${secret}ff`,
    `k1:${secret.slice(2)}`,
    `k1:${"0".repeat(64)}`,
    `k1:${secret}\nk1:${secret}`,
    `k 1:${secret}`,
    `k1:${secret.slice(0, 43)}!`,
  ]) {
    assert.throws(
      () => createLocalKeys("the file", text),
      (thrown) => {
        assert.ok(thrown instanceof CupelError && thrown.code === "MASKING_KEY_INVALID", inspect(thrown));
        assert.ok(!inspect(thrown).includes(secret.slice(0, 16)), text);
        return true;
      },
    );
  }
});

test("a key file that others may read is refused, with the command that closes it", {
  skip: process.platform === "win32" && "no such modes",
}, async () => {
  await using folder = await openTemporaryFolder("keys");
  const path = join(folder.path, "keys");
  await assert.rejects(openFileKeys(path), { code: "MASKING_KEY_INVALID", message: /ENOENT/ });
  await writeFile(path, keyRow("k1"), { mode: 0o600 });
  await using keys = await openFileKeys(path);
  assert.equal(await keys.currentKeyId(), "k1");
  for (const mode of [0o640, 0o604, 0o620, 0o666]) {
    await chmod(path, mode);
    await assert.rejects(openFileKeys(path), { code: "MASKING_KEY_INVALID", message: /chmod 600/ });
  }
});

test("an environment variable has the same rows, parted by commas", async () => {
  await using keys = openEnvironmentKeys("CUPEL_AUDIT_KEYS", {
    CUPEL_AUDIT_KEYS: `${keyRow("b")},${keyRow("a", 16)}`,
  });
  assert.equal(await keys.currentKeyId(), "b");
  assert.deepEqual(await keys.unwrap("a", await keys.wrap("a", plain)), plain);
  assert.throws(() => openEnvironmentKeys("ABSENT", {}), { code: "MASKING_KEY_INVALID", message: /ABSENT/ });
});

test("nothing that inspects a provider shows a key", async () => {
  const row = keyRow("k1");
  await using keys = createLocalKeys("it", row);
  const shown = inspect(keys, { depth: 9, showHidden: true }) + JSON.stringify(keys);
  assert.ok(!shown.includes(row.slice(3, 20)));
});
