/** What the gate of a server lets in: the bytes that are sealed, by whom the policy trusts, and no step back. */
import assert from "node:assert/strict";
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { Progress, WorkEvent } from "@cupel/base";
import { drawBytes, drawSigner, Models, policyWith, refusalOf } from "../support/sealed-model.ts";

const signer = await drawSigner();
const other = await drawSigner();

async function sealedModels(more: object = {}): Promise<Models> {
  const models = await Models.open();
  await models.seal("m", signer);
  await models.policy(policyWith([signer], more));
  return models;
}

test("what is as it was sealed is let in, and read once for as long as nothing is touched", async () => {
  await using models = await sealedModels();
  await models.put("m/2/model.onnx", drawBytes(3));
  await models.seal("m", signer);
  const events: WorkEvent[] = [];
  const gate = await models.gate({ sink: { emit: async (event) => void events.push(event) } });
  const first = await models.request();
  const second = await models.request("m/2/model.onnx", []);
  const verdicts = [gate.allowFolder(models.path), gate.allow(first), gate.allow(second), gate.allow(first)];
  assert.deepEqual(await Promise.all(verdicts), Array(4).fill({ allowed: true }));
  assert.deepEqual(
    events.map(({ action, object }) => [action, object.model]),
    [["SEAL.VERIFY", "m"]],
  );
  await models.put("m/labels.txt", Buffer.from("bright\ndark\n"));
  assert.equal(refusalOf(await gate.allow(first)), "SEAL_BROKEN", "the same bytes among others that differ");
  await models.put("m/labels.txt", Buffer.from("dark\nbright\n"));
  assert.deepEqual(await gate.allow(first), { allowed: true });
});

test("every kind of tampering is refused, and told in words, as data and to the record", async () => {
  await using models = await sealedModels();
  const events: WorkEvent[] = [];
  const gate = await models.gate({ sink: { emit: async (event) => void events.push(event) } });
  const asked = await models.request();
  await models.put("m/new.txt", drawBytes(4));
  await rename(models.at("m/labels.txt"), models.at("m/classes.txt"));
  await rm(models.at("m/weights/model.data"));
  await models.put("m/model.onnx", drawBytes(5));
  const verdict = await gate.allow({ ...asked, files: [] });
  assert.ok(!verdict.allowed);
  for (const words of [
    /the file "new\.txt" was added/,
    /the file "weights\/model\.data" is missing/,
    /"model\.onnx" was changed/,
    /"labels\.txt" was renamed to "classes\.txt"/,
  ]) {
    assert.match(verdict.reason, words);
  }
  const { differences } = verdict.details ?? {};
  assert.ok(Array.isArray(differences));
  assert.deepEqual(differences.map(({ kind }) => kind).sort(), ["added", "changed", "removed", "renamed"]);
  await gate.allow({ ...asked, files: [] });
  assert.deepEqual(
    events.map(({ action, severity }) => [action, severity]),
    [["SEAL.VERIFY.FAIL", "CRITICAL"]],
    "asked again and again it is recorded once",
  );
  assert.match(events[0]?.context.differences ?? "", /"renamed"/);
});

test("bytes that are not those of the file of that name are refused, whatever lies there now", async () => {
  await using models = await sealedModels();
  await models.put("m/other.onnx", drawBytes(6));
  await models.seal("m", signer);
  const gate = await models.gate();
  const good = await models.request();
  assert.deepEqual(await gate.allow(good), { allowed: true });
  // Swapped while it was copied, and put back before anybody looked.
  await models.put("m/model.onnx", drawBytes(7));
  const swapped = await models.request();
  await models.put("m/model.onnx", drawBytes(1));
  assert.equal(refusalOf(await gate.allow(swapped)), "MODEL_UNSEALED");
  // Sealed as well, under another name.
  const [, weights] = good.files;
  const { files } = await models.request("m/other.onnx", []);
  const taken = { path: good.path, files: [{ path: good.path, sha256: files[0]?.sha256 ?? "" }, weights!] };
  assert.equal(refusalOf(await gate.allow(taken)), "MODEL_UNSEALED");
  assert.deepEqual(await gate.allow(good), { allowed: true });
});

test("links count where they lead: inside as sealed, outside never", async (t) => {
  if (process.platform === "win32") return t.skip("links need a right there");
  await using models = await Models.open();
  await models.put("m/real.onnx", drawBytes(8));
  await symlink("real.onnx", models.at("m/linked.onnx"));
  await models.put("elsewhere.onnx", drawBytes(8));
  await models.seal("m", signer);
  await models.policy(policyWith([signer]));
  assert.deepEqual(await models.ask("m/linked.onnx", []), { allowed: true });
  const gate = await models.gate();
  // The same bytes, led to another way.
  await rm(models.at("m/linked.onnx"));
  await symlink("model.onnx", models.at("m/linked.onnx"));
  const swapped = await gate.allow(await models.request("m/linked.onnx", []));
  assert.ok(!swapped.allowed);
  assert.match(swapped.reason, /leads to "model\.onnx" and not to "real\.onnx"/);
  await rm(models.at("m/linked.onnx"));
  await symlink("../elsewhere.onnx", models.at("m/linked.onnx"));
  assert.equal(refusalOf(await gate.allow(await models.request("m/linked.onnx", []))), "LINK_REFUSED");
  // A model's folder that is itself a link is the folder it leads to.
  await rename(models.at("m"), `${models.path}-m`);
  await symlink(`${models.path}-m`, models.at("m"));
  await rm(models.at("m/linked.onnx"));
  await symlink("real.onnx", models.at("m/linked.onnx"));
  assert.deepEqual(await models.ask("m/model.onnx"), { allowed: true });
});

test("a model without a seal around it is refused, beside a sealed one and where the seal was taken away", async () => {
  await using models = await sealedModels();
  await models.put("bare.onnx", drawBytes(1));
  await models.put("n/model.onnx", drawBytes(1));
  const gate = await models.gate();
  for (const path of ["bare.onnx", "n/model.onnx"]) {
    const verdict = await gate.allow(await models.request(path, []));
    assert.equal(refusalOf(verdict), "SEAL_MISSING", path);
  }
  await rm(models.at("m/attestation.json"));
  assert.equal(refusalOf(await gate.allow(await models.request())), "SEAL_MISSING");
  // One above the folder of models says nothing.
  await models.seal("..", signer);
  assert.equal(refusalOf(await gate.allow(await models.request())), "SEAL_MISSING");
});

test("the seal of another folder, or one put into a sealed folder, lets nothing in", async () => {
  await using models = await sealedModels();
  await models.put("n/model.onnx", drawBytes(9));
  await models.seal("n", signer, "n");
  await cp(models.at("n/attestation.json"), models.at("m/attestation.json"));
  assert.equal(refusalOf(await models.ask()), "SEAL_BROKEN");
  // A sealed repository whose model gets a good seal of its own, of other bytes.
  await using whole = await Models.open();
  await whole.policy(policyWith([signer]));
  await whole.seal(".", signer, "all");
  assert.deepEqual(await whole.ask(), { allowed: true });
  await whole.put("m/model.onnx", drawBytes(10));
  await whole.seal("m", signer, "old");
  const verdict = await whole.ask();
  assert.ok(!verdict.allowed);
  assert.match(verdict.reason, /"m\/attestation\.json" was added/);
});

test("an older seal does not come back, in this process or another, unless the policy says so", async () => {
  await using models = await sealedModels();
  await cp(models.at("m"), `${models.path}-old`, { recursive: true });
  const running = await models.gate();
  assert.deepEqual(await running.allow(await models.request()), { allowed: true });
  await models.put("m/model.onnx", drawBytes(11));
  await models.seal("m", signer);
  assert.deepEqual(await running.allow(await models.request()), { allowed: true });
  await rm(models.at("m"), { recursive: true });
  await cp(`${models.path}-old`, models.at("m"), { recursive: true });
  for (const gate of [running, await models.gate()]) {
    const verdict = await gate.allow(await models.request());
    assert.equal(refusalOf(verdict), "SEAL_ROLLED_BACK");
    assert.equal(refusalOf(await gate.allowFolder(models.path)), "SEAL_ROLLED_BACK");
  }
  await models.policy({ ...policyWith([signer]), rollback: "allow", state: undefined });
  assert.deepEqual(await running.allow(await models.request()), { allowed: true }, "the policy is read anew");
});

test("revoked keys, revoked roots and roots that are not listed are refused, at once", async () => {
  await using models = await sealedModels();
  const { roots } = await models.seal("m", signer);
  const gate = await models.gate();
  const asked = await models.request();
  const verdictOf = async (policy: object) => {
    await models.policy(policy);
    return refusalOf(await gate.allow(asked));
  };
  const zero = "0".repeat(64);
  const policies: readonly [object, string][] = [
    [policyWith([signer]), ""],
    [policyWith([signer], { revoked: { keys: [signer.keyId] } }), "SEAL_REVOKED"],
    [policyWith([signer], { revoked: { keys: [other.keyId], roots: [zero] } }), ""],
    [policyWith([signer], { revoked: { roots: [zero, roots.sha256] } }), "SEAL_REVOKED"],
    [policyWith([signer], { revoked: { roots: [roots.sm3] } }), "SEAL_REVOKED"],
    [policyWith([signer], { roots: [zero] }), "SEAL_NOT_ALLOWED"],
    [policyWith([signer], { roots: [zero, roots.sha256] }), ""],
    [policyWith([other]), "SIGNER_UNKNOWN"],
    [{ roots: [roots.sha256] }, ""],
    [{ roots: [zero] }, "SIGNER_UNKNOWN"],
    [{ roots: [roots.sha256], revoked: { roots: [roots.sha256] } }, "SEAL_REVOKED"],
    [{ signers: [] }, "POLICY_INVALID"],
  ];
  for (const [policy, expected] of policies) {
    assert.equal(await verdictOf(policy), expected, JSON.stringify(policy));
  }
  await rm(models.policyFile);
  assert.equal(refusalOf(await gate.allow(asked)), "POLICY_UNREADABLE");
  // Of two keys that sealed it, one still counts.
  await models.policy(policyWith([signer, other], { revoked: { keys: [signer.keyId] } }));
  const { sealFolder } = await import("@cupel/attest");
  await sealFolder(models.at("m"), { keys: [signer, other], name: "m" });
  assert.deepEqual(await models.ask(), { allowed: true });
});

test("a signature that is not its signer's is refused, and so is a seal that was written to", async () => {
  await using models = await sealedModels();
  const file = models.at("m/attestation.json");
  const whole = await readFile(file, "utf8");
  const { statements } = JSON.parse(whole);
  const { sig } = statements[0].signatures[0];
  const forged = Buffer.from(sig, "base64");
  forged[0] = (forged[0] ?? 0) ^ 1;
  await writeFile(file, whole.replace(sig, forged.toString("base64")));
  assert.equal(refusalOf(await models.ask()), "DSSE_SIGNATURE_INVALID");
  await writeFile(file, `${whole} `);
  assert.equal(refusalOf(await models.ask()), "ATTESTATION_INVALID");
  await rm(file);
  await mkdir(file);
  assert.equal(refusalOf(await models.ask()), "FOLDER_UNREADABLE");
});

test("a sealed folder that lost its model is refused before anybody asks for a model", async () => {
  await using models = await sealedModels();
  await models.put("1/model.onnx", drawBytes(1));
  const gate = await models.gate();
  assert.deepEqual(
    await gate.allowFolder(models.path),
    { allowed: true },
    "what has no seal is asked for itself",
  );
  await rm(models.at("m/model.onnx"));
  const verdict = await gate.allowFolder(models.path);
  assert.ok(!verdict.allowed);
  assert.match(verdict.reason, /the file "model\.onnx" is missing/);
  // One file is served: what lies beside it is not.
  await models.seal("m", signer);
  await models.put("n/model.onnx", drawBytes(1));
  await models.put("n/attestation.json", drawBytes(1));
  assert.deepEqual(await gate.allowFolder(models.at("m/labels.txt")), { allowed: true });
  assert.equal(refusalOf(await gate.allowFolder(models.path)), "ATTESTATION_INVALID");
});

test("nothing is let in without its record, and a cancelled question is no refusal", async () => {
  await using models = await sealedModels();
  const full = new Error("the record is full");
  const gate = await models.gate({ sink: { emit: () => Promise.reject(full) } });
  await assert.rejects(gate.allow(await models.request()), full);
  await assert.rejects((await models.gate()).allow(await models.request(), AbortSignal.abort()), {
    code: "CANCELLED",
  });
});

test("progress is told of large folders only", async () => {
  await using models = await sealedModels();
  const told: (number | undefined)[] = [];
  const progress: Progress = {
    start(_title, total) {
      told.push(total);
      return { advance() {}, note() {}, [Symbol.dispose]() {} };
    },
  };
  const gate = await models.gate({ progress });
  assert.deepEqual(await gate.allow(await models.request()), { allowed: true });
  assert.deepEqual(told, []);
});
