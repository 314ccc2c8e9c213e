/**
 * `cupel seal` and `cupel verify`: what they write and say, for whom, and with which exit status. A compressed model with its
 * report is sealed in commands.test.ts, which has one.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { chmod, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openSigningKey, signModel } from "@cupel/attest";
import { cupel, type Scratch, scratch, spawnCupel } from "./harness.ts";

/** NAME.pem and NAME.pub beside the folder `out`, which has a model. */
async function sealable() {
  const folder = await scratch();
  const key = async (name: string, passphrase?: string) => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const cipher = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
    return {
      privatePath: await folder.write(
        `${name}.pem`,
        privateKey.export({ type: "pkcs8", format: "pem", ...cipher }),
      ),
      publicPath: await folder.write(`${name}.pub`, publicKey.export({ type: "spki", format: "pem" })),
    };
  };
  await folder.write("out/model.onnx", "a model");
  await folder.write("out/classes.txt", "ok\nopen\n");
  return { folder, out: folder.at("out"), key, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test("differences are named, the exit status is 3, and 4 where nobody is trusted", async () => {
  await using made = await sealable();
  const { folder, out, key } = made;
  const [own, other] = [await key("own"), await key("other")];
  assert.equal((await cupel("verify", out, "--key", own.publicPath)).status, 66);
  await cupel("seal", out, "--key", own.privatePath);
  const unknown = await cupel("verify", out, "--key", other.publicPath);
  assert.equal(unknown.status, 4);
  assert.match(unknown.err, /error SIGNER_UNKNOWN: /);

  await writeFile(join(out, "model.onnx"), "A model");
  await rename(join(out, "classes.txt"), join(out, "names.txt"));
  await writeFile(join(out, "more.bin"), "");
  if (process.platform !== "win32") await chmod(join(out, "model.onnx"), 0o755);
  const page = folder.at("page.html");
  const told = await cupel("verify", out, "--key", own.publicPath, "--page", page);
  assert.equal(told.status, 3);
  assert.match(told.out, /^"model\.onnx" was changed: other content of the same size$/m);
  assert.match(told.out, /^"classes\.txt" was renamed to "names\.txt"$/m);
  assert.match(told.out, /^the file "more\.bin" was added$/m);
  assert.match(told.out, /^NOT VALID +/m);
  assert.match(told.err, /error SEAL_BROKEN: .*; and 1 more\. Do not use it/);
  assert.match(await readFile(page, "utf8"), /"isValid":false.*was renamed to/);
  const json = JSON.parse((await cupel("verify", out, "--key", own.publicPath, "--json")).out);
  assert.deepEqual([json.valid, json.error.code, json.differences.length], [false, "SEAL_BROKEN", 4]);

  await writeFile(join(out, "attestation.json"), "{}");
  assert.equal((await cupel("verify", out, "--key", own.publicPath)).status, 3);
  const gone = async () => rm(join(out, "attestation.json"));
  await gone();
  const torn = await cupel("verify", out, "--key", own.publicPath);
  assert.equal(torn.status, 3);
  assert.match(torn.out, /the file "attestation\.json" is missing/);
});

test("model.sig of other people's tools is verified alone", async () => {
  await using made = await sealable();
  const { out, key } = made;
  const own = await key("own");
  await signModel(out, { key: await openSigningKey(own.privatePath) });
  const told = await cupel("verify", out, "--key", own.publicPath);
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /^valid +.*2 files, sealed as out$/m);
  await writeFile(join(out, "model.onnx"), "A model");
  assert.equal((await cupel("verify", out, "--key", own.publicPath)).status, 3);
});

test("keys: encrypted, public, in the folder, none; and files that cannot be written", async () => {
  await using made = await sealable();
  const { folder, out, key } = made;
  const [own, locked] = [await key("own"), await key("locked", "a secret")];
  const seal = (...words: string[]) => cupel("seal", out, ...words);
  const refused = async (told: Promise<{ status: number; err: string }>, status: number, message: RegExp) => {
    const { status: found, err } = await told;
    assert.match(err, message);
    assert.equal(found, status, err);
    assert.deepEqual((await readdir(out)).sort(), ["classes.txt", "model.onnx"]);
  };
  await refused(seal(), 64, /ARGUMENT_MISSING: Sealing needs a private key/);
  await refused(seal("--key", own.publicPath), 65, /SIGNING_KEY_INVALID: .*no private key/);
  await refused(seal("--key", folder.at("none.pem")), 66, /SIGNING_KEY_UNREADABLE/);
  await refused(
    seal("--key", locked.privatePath),
    65,
    /Give its passphrase with --passphrase-file, or in CUPEL_KEY_PASSPHRASE/,
  );
  const wrong = await folder.write("wrong.txt", "another\n");
  await refused(
    seal("--key", locked.privatePath, "--passphrase-file", wrong),
    65,
    /does not open with this passphrase/,
  );
  await refused(cupel("seal", join(out, "model.onnx"), "--key", own.privatePath), 74, /WRITE_FAILED/);
  await refused(cupel("verify", out), 64, /OPTION_INVALID: --key says whom you trust/);
  await refused(cupel("verify", out, "--root", "12"), 64, /OPTION_INVALID: --root must be 64 digits/);
  if (process.platform !== "win32") {
    const full = spawnCupel(["seal", out, "--key", own.privatePath], "ulimit -f 1");
    await refused(full.ended, 74, /error DISK_FULL/);
  }
  if (process.platform === "linux") {
    const closed = await cupel("seal", "/proc/self/fdinfo", "--key", own.privatePath);
    assert.match(closed.err, /error WRITE_FAILED: .*attestation\.json/);
  }

  const inside = await folder.write("out/own.pem", await readFile(own.privatePath));
  assert.match(
    (await seal("--key", inside)).err,
    /error OPTION_INVALID: --key lies in .*out, which would be sealed/,
  );
  await rm(inside);
  const passphrase = await folder.write("passphrase.txt", "a secret\n");
  const sealed = await seal("--key", locked.privatePath, "--passphrase-file", passphrase);
  assert.equal(sealed.status, 0, sealed.err);
  process.env.CUPEL_KEY_PASSPHRASE = "a secret";
  try {
    assert.equal((await seal("--key", locked.privatePath)).status, 0);
  } finally {
    delete process.env.CUPEL_KEY_PASSPHRASE;
  }
  const page = await cupel("verify", out, "--key", locked.publicPath, "--page", join(out, "page.html"));
  assert.match(page.err, /error OPTION_INVALID: --page lies in/);
  assert.equal((await cupel("verify", out, "--key", locked.publicPath)).status, 0);

  const { privateKey } = generateKeyPairSync("ed25519");
  const ed25519 = await folder.write("ed.pem", privateKey.export({ type: "pkcs8", format: "pem" }));
  const told = await seal("--key", ed25519);
  assert.match(told.err, /There is no model\.sig, which takes a key of ECDSA/);
});

test("sealing and verifying are in the record", async () => {
  await using made = await sealable();
  const { folder, out, key } = made;
  const own = await key("own");
  const record = ["--audit", folder.at("record")];
  const sealed = JSON.parse((await cupel("seal", out, "--key", own.privatePath, "--json", ...record)).out);
  await cupel("verify", out, "--key", own.publicPath, ...record);
  await writeFile(join(out, "model.onnx"), "A model");
  await cupel("verify", out, "--key", own.publicPath, ...record);
  const events = (await lines(folder)).filter(({ action }) => action.startsWith("SEAL."));
  assert.deepEqual(
    events.map(({ action, severity }) => `${action} ${severity}`),
    ["SEAL.CREATE INFO", "SEAL.VERIFY INFO", "SEAL.VERIFY.FAIL ERROR"],
  );
  for (const { obj } of events) assert.equal(obj.digest, sealed.roots.sha256);
  assert.equal(events[0]?.ctx.signer, sealed.keyIds[0]);
  assert.equal(events[2]?.ctx.code, "SEAL_BROKEN");
});

async function lines(folder: Scratch) {
  const journal = folder.at("record", "journal");
  const texts = await Promise.all(
    (await readdir(journal)).sort().map((name) => readFile(join(journal, name), "utf8")),
  );
  return texts
    .join("")
    .trimEnd()
    .split("\n")
    .map(
      (
        line,
      ): { action: string; severity: string; obj: Record<string, string>; ctx: Record<string, string> } =>
        JSON.parse(line),
    );
}
