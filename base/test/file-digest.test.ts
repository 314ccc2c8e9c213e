/** Against the published digests of FIPS 180-4's examples: nothing, "abc", and a million times "a". */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileDigest, openTemporaryFolder } from "@cupel/base";

const published = [
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
] as const;

test("a file's digest is the published one, also where it is read in pieces", async () => {
  await using folder = await openTemporaryFolder("digest-test");
  const path = join(folder.path, "file");
  for (const [text, digest] of published) {
    await writeFile(path, text);
    assert.equal(await fileDigest(path), digest);
  }
  // Three pieces and a rest, by the digest of the same bytes in one.
  const bytes = Buffer.alloc(3 * 2 ** 20 + 17, "cupel");
  await writeFile(path, bytes);
  const whole = await crypto.subtle.digest("SHA-256", bytes);
  assert.equal(await fileDigest(path), Buffer.from(whole).toString("hex"));
});

test("what is no file, or is not waited for any more, is not read", async () => {
  await using folder = await openTemporaryFolder("digest-test");
  await assert.rejects(fileDigest(folder.path), /folder/);
  await assert.rejects(fileDigest(join(folder.path, "none")), { code: "ENOENT" });
  await writeFile(join(folder.path, "file"), "abc");
  await assert.rejects(fileDigest(join(folder.path, "file"), { signal: AbortSignal.abort() }), {
    code: "CANCELLED",
  });
});
