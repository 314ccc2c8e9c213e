/**
 * Sealed folders: nothing that happens to one, to its attestation.json or to its model.sig passes, and a sealing that ends
 * anywhere leaves the older seal, or one that is refused. With CUPEL_LONG_TESTS 1,000 files, and every byte of the two.
 */
import assert from "node:assert/strict";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CupelError, createRandom, openTemporaryFolder } from "@cupel/base";
import { type SealTrust, sealFolder, verifySeal } from "../../src/index.ts";
import { changes } from "../support/folder-changes.ts";
import { type KeyPair, keyPair } from "../support/keys.ts";
import { drawFolder, writeEntries } from "../support/model-folder.ts";
import type { ReferenceEntry } from "../support/reference-root.ts";

const isLong = process.env.CUPEL_LONG_TESTS !== undefined;
const ecdsa = await keyPair("P-256");
const trust: SealTrust = { keys: [ecdsa.verification] };

async function smallFolder() {
  const folder = await openTemporaryFolder("seal");
  await mkdir(join(folder.path, "weights"));
  await writeFile(join(folder.path, "model.onnx"), "a model");
  await writeFile(join(folder.path, "weights", "shard"), "weights");
  const at = (name: string) => join(folder.path, name);
  return {
    path: folder.path,
    at,
    attestation: at("attestation.json"),
    signature: at("model.sig"),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const code = (expected: string) => (thrown: unknown) => {
  assert.ok(thrown instanceof CupelError, String(thrown));
  assert.equal(thrown.code, expected, thrown.message);
  return true;
};

test("every change of a sealed folder is named", {
  skip: process.platform === "win32" && "it changes modes",
}, async () => {
  await using folder = await openTemporaryFolder("seal");
  const random = createRandom(19);
  const entries = drawFolder(random, isLong ? 1000 : 60);
  await writeEntries(folder.path, entries);
  await sealFolder(folder.path, { keys: [ecdsa.signing] });
  const one = (kind: ReferenceEntry["kind"]) => {
    const such = entries.filter((entry) => entry.kind === kind);
    return such[random.integer(such.length)]!;
  };
  for (const hashes of [["sha256"], ["sha256", "sm3"]] as const) {
    for (const [name, draw] of Object.entries(changes)) {
      const change = await draw(one, random, folder.path);
      const { isValid, differences } = await verifySeal(folder.path, trust, { hashes });
      assert.deepEqual([isValid, differences], [false, change.told], name);
      await change.undo();
    }
  }
  assert.equal((await verifySeal(folder.path, trust)).isValid, true);
});

test("a packed model is a file like others: sealed by its bytes, whatever they hold", async () => {
  await using folder = await openTemporaryFolder("seal");
  const path = join(folder.path, "model.cupel");
  await writeFile(path, Buffer.from("894355504b0d0a1a01", "hex"));
  await sealFolder(folder.path, { keys: [ecdsa.signing] });
  assert.equal((await verifySeal(folder.path, trust)).isValid, true);
  await writeFile(path, Buffer.from("894355504b0d0a1a02", "hex"));
  const { isValid, differences } = await verifySeal(folder.path, trust);
  assert.deepEqual([isValid, differences.map((each) => each.path)], [false, ["model.cupel"]]);
});

test("a byte of attestation.json or of model.sig is refused, or changes nothing that is said", async () => {
  await using folder = await smallFolder();
  await sealFolder(folder.path, { keys: [ecdsa.signing] });
  const verdict = await verifySeal(folder.path, trust);
  const random = createRandom(20);
  for (const path of [folder.attestation, folder.signature]) {
    const bytes = await readFile(path);
    const places = isLong
      ? Array.from(bytes, (_, i) => i)
      : Array.from({ length: 80 }, () => random.integer(bytes.length));
    for (const place of places) {
      const changed = Buffer.from(bytes);
      changed[place]! ^= 1 << random.integer(8);
      await writeFile(path, changed);
      const outcome = await verifySeal(folder.path, trust, { hashes: ["sha256"] }).catch(
        (thrown: unknown) => thrown,
      );
      if (outcome instanceof CupelError) continue;
      assert.deepEqual(outcome, verdict, `byte ${place} of ${path}`);
      assert.equal(path, folder.signature, "of attestation.json each byte counts");
      assert.match(String.fromCharCode(bytes[place]!), /\s|[\w/+=:.-]/);
      assert.deepEqual(meaning(changed), meaning(bytes), `byte ${place} of ${path}`);
    }
    await writeFile(path, bytes);
  }
});

/** What a bundle says that is signed or signs: spaces between its members, and hints, say nothing. */
function meaning(bundle: Buffer) {
  const { dsseEnvelope: envelope } = JSON.parse(bundle.toString());
  return [envelope.payload, envelope.payloadType, envelope.signatures.map(({ sig }: { sig: string }) => sig)];
}

test("an attestation that was edited, unsigned, or moved from another folder is refused", async () => {
  await using folder = await smallFolder();
  await using other = await smallFolder();
  await writeFile(other.at("model.onnx"), "another model");
  await sealFolder(folder.path, { keys: [ecdsa.signing], name: "parts", version: "3" });
  await sealFolder(other.path, { keys: [ecdsa.signing], name: "parts" });
  const text = await readFile(folder.attestation, "utf8");
  const edited = async (edit: (text: string) => string, expected: string) => {
    await writeFile(folder.attestation, edit(text));
    await assert.rejects(verifySeal(folder.path, trust), code(expected));
  };
  const [, payload = ""] = /"payload":"([^"]*)"/.exec(text) ?? [];
  const withPayload = (from: string, to: string) => (whole: string) =>
    whole.replace(
      payload,
      Buffer.from(Buffer.from(payload, "base64").toString().replace(from, to)).toString("base64"),
    );

  await edited((whole) => whole.replace('"model.onnx"', '"other.onnx"'), "ATTESTATION_INVALID");
  await edited((whole) => whole.replace('"executable":false', '"executable":true'), "ATTESTATION_INVALID");
  await edited(
    (whole) => whole.replace('"provenance": null', '"provenance": {"buildDefinition":{}}'),
    "ATTESTATION_INVALID",
  );
  await edited((whole) => whole.replace("machine-learning-model", "application"), "ATTESTATION_INVALID");
  await edited((whole) => whole.replace(/"statements": .*/, '"statements": [],'), "ATTESTATION_INVALID");
  await edited((whole) => whole.replace("cupel-attestation/1", "cupel-attestation/2"), "ATTESTATION_INVALID");
  await edited((whole) => `${whole} `, "ATTESTATION_INVALID");
  await edited(withPayload('"version":"3"', '"version":"4"'), "DSSE_SIGNATURE_INVALID");
  await edited(withPayload('"name":"parts"', '"name":"rolls"'), "DSSE_SIGNATURE_INVALID");
  await edited(
    (whole) => whole.replace('"file","path":"model.onnx"', '"file","path":"../onnx"'),
    "MANIFEST_INVALID",
  );
  await edited(() => "[".repeat(100_000), "ATTESTATION_INVALID");
  await edited(() => "", "ATTESTATION_INVALID");

  await copyFile(other.attestation, folder.attestation);
  await assert.rejects(verifySeal(folder.path, trust), code("SEAL_INCOMPLETE"));
  await copyFile(other.signature, folder.signature);
  const { isValid, differences } = await verifySeal(folder.path, trust);
  assert.equal(isValid, false);
  assert.deepEqual(
    differences.map(({ kind, path }) => [kind, path]),
    [["changed", "model.onnx"]],
  );
});

test("a sealing that ends between any two steps leaves no seal that verifies but the older one", async () => {
  await using folder = await smallFolder();
  const seal = async () => {
    await sealFolder(folder.path, { keys: [ecdsa.signing] });
    return [await readFile(folder.attestation), await readFile(folder.signature)] as const;
  };
  const older = await seal();
  await writeFile(folder.at("model.onnx"), "a newer model");
  const newer = await seal();
  const withFiles = async (attestation: Buffer | null, signature: Buffer | null) => {
    for (const [path, bytes] of [
      [folder.attestation, attestation],
      [folder.signature, signature],
    ] as const) {
      await (bytes === null ? rm(path, { force: true }) : writeFile(path, bytes));
    }
  };
  for (const [attestation, signature, expected] of [
    [newer[0], older[1], "SEAL_INCOMPLETE"],
    [older[0], newer[1], "SEAL_INCOMPLETE"],
    [newer[0], null, "SEAL_INCOMPLETE"],
    [null, null, "SEAL_MISSING"],
  ] as const) {
    await withFiles(attestation, signature);
    await assert.rejects(verifySeal(folder.path, trust), code(expected));
  }
  await withFiles(...newer);
  assert.equal((await verifySeal(folder.path, trust)).isValid, true);

  const cancelled = new AbortController();
  const late = {
    now() {
      cancelled.abort();
      return Date.now();
    },
    monotonic: () => 0,
  };
  const sealing = sealFolder(folder.path, { keys: [ecdsa.signing], clock: late, signal: cancelled.signal });
  await assert.rejects(sealing, code("CANCELLED"));
  assert.deepEqual([await readFile(folder.attestation), await readFile(folder.signature)], newer);
  assert.deepEqual((await readdir(folder.path)).sort(), [
    "attestation.json",
    "model.onnx",
    "model.sig",
    "weights",
  ]);
});

test("of two that seal at once each is told how it went, and what is left is one seal", async () => {
  await using folder = await smallFolder();
  const sealings = await Promise.allSettled(
    [1, 2, 3].map((version) => sealFolder(folder.path, { keys: [ecdsa.signing], version: String(version) })),
  );
  const sealed = sealings.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  assert.ok(sealed.length > 0);
  for (const each of sealings) {
    if (each.status === "rejected") assert.match(each.reason.code, /^(FILE_LOCKED|FOLDER_CHANGED)$/);
  }
  const { isValid, version, sequence } = await verifySeal(folder.path, trust);
  assert.equal(isValid, true);
  assert.deepEqual({ version, sequence }, newest(sealed));
});

function newest(seals: readonly { version: string | null; sequence: number }[]) {
  const { version, sequence } = seals.toSorted((one, other) => other.sequence - one.sequence)[0]!;
  return { version, sequence };
}

test("keys of every algorithm sign; one that is trusted is enough, and model.sig takes ECDSA", async () => {
  const algorithms = ["P-384", "ed25519", "SM2", ...(process.versions.node >= "24.6" ? ["ml-dsa-44"] : [])];
  const pairs = new Map<string, KeyPair>();
  for (const each of algorithms) pairs.set(each, await keyPair(each));
  await using folder = await smallFolder();
  const all = [...pairs.values()].map(({ signing }) => signing);
  const { keyIds, sequence } = await sealFolder(folder.path, {
    keys: all,
    clock: { now: () => 5, monotonic: () => 0 },
  });
  for (const [algorithm, { verification }] of pairs) {
    const { isValid, signers } = await verifySeal(folder.path, { keys: [verification] });
    const files = algorithm === "P-384" ? ["attestation.json", "model.sig"] : ["attestation.json"];
    assert.deepEqual([isValid, signers.map(({ signed }) => signed)], [true, files], algorithm);
  }
  assert.equal(keyIds.length, all.length);
  await assert.rejects(verifySeal(folder.path, trust), code("SIGNER_UNKNOWN"));
  await assert.rejects(verifySeal(folder.path, {}), code("SIGNER_UNKNOWN"));

  // A clock that was set back: the sequence goes on all the same.
  const own = pairs.get("ed25519")!;
  const again = await sealFolder(folder.path, {
    keys: [own.signing],
    clock: { now: () => 3, monotonic: () => 0 },
  });
  assert.equal(again.sequence, sequence + 1);
  assert.ok(!(await readdir(folder.path)).includes("model.sig"), "that of the older seal is gone");
  const trusted = { keys: [own.verification] };
  const { roots } = await verifySeal(folder.path, trusted);
  for (const root of [roots.sha256, roots.sm3]) {
    const { signers } = await verifySeal(folder.path, { roots: [root] });
    assert.deepEqual(signers, [{ signed: "root", by: { kind: "root", root } }]);
  }
  await sealFolder(folder.path, { keys: [ecdsa.signing] });
  const signature = await readFile(folder.signature);
  await sealFolder(folder.path, { keys: [own.signing] });
  await writeFile(folder.signature, signature);
  await assert.rejects(verifySeal(folder.path, trusted), code("SEAL_INCOMPLETE"));

  for (const keys of [[], [ecdsa.signing, ecdsa.signing], [ecdsa.signing, pairs.get("P-384")!.signing]]) {
    await assert.rejects(sealFolder(folder.path, { keys }), code("OPTION_INVALID"));
  }
});

test("what cannot be written to or is no folder is refused before it is read", async () => {
  await using folder = await smallFolder();
  await assert.rejects(sealFolder(folder.at("model.onnx"), { keys: [ecdsa.signing] }), code("WRITE_FAILED"));
  await assert.rejects(verifySeal(folder.at("model.onnx"), trust), code("FOLDER_UNREADABLE"));
  await assert.rejects(
    sealFolder(folder.at("nowhere"), { keys: [ecdsa.signing] }),
    code("FOLDER_UNREADABLE"),
  );
  assert.ok(!(await readdir(folder.path)).includes("nowhere"));
  await mkdir(folder.signature);
  await assert.rejects(sealFolder(folder.path, { keys: [ecdsa.signing] }), code("WRITE_FAILED"));
});
