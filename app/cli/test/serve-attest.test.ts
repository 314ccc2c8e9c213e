/** `cupel serve --require-attestation`: what does not start, with which status, and what stays in service. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { copyFile, cp, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openAttestationGate, openSigningKey, sealFolder } from "@cupel/attest";
import type { WorkEvent } from "@cupel/base";
import { writeModelFile } from "@cupel/onnx";
import { parseConfig, startServer } from "@cupel/serve";
import { classifier, classifierBytes, cupel, type Scratch, scratch, spawnCupel } from "./harness.ts";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = await openSigningKey(Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" }).toString()));
const seal = (folder: Scratch) => sealFolder(folder.at("models"), { keys: [key], name: "models" });

/** A model with weights in a file of their own, a second one, and labels beside them; sealed as a whole. */
async function sealedModels(folder: Scratch): Promise<void> {
  await mkdir(folder.at("models", "first"), { recursive: true });
  const { dataPath } = await writeModelFile(classifier(), folder.at("models", "first", "model.onnx"), {
    externalData: { minBytes: 1 },
  });
  assert.equal(dataPath, folder.at("models", "first", weights));
  await folder.write("models/second.onnx", classifierBytes({ firstWeight: 1 }));
  await folder.write("models/labels.txt", "dark\nbright\nneither\n");
  await seal(folder);
  await folder.write("key.pem", key.publicKeyPem);
  await folder.write("policy.json", JSON.stringify({ signers: [{ key: "key.pem" }], state: "seen.json" }));
}

/** Named after their content, which is drawn from a seed. */
const weights = "model.546ed167da0c.data";

const words = (folder: Scratch, policy = "policy.json") => [
  "serve",
  folder.at("models"),
  "--require-attestation",
  folder.at(policy),
  "--port",
  "0",
  "--set",
  "engine.trial=false",
];

/** All of them with CUPEL_LONG_TESTS, and several processes; else those that a server comes upon in different ways. */
const isLong = Boolean(process.env.CUPEL_LONG_TESTS);

interface Tampering {
  readonly by: (folder: Scratch) => Promise<unknown>;
  readonly told: RegExp;
  readonly isShort?: boolean;
}

const tamperings: Readonly<Record<string, Tampering>> = {
  "a model that cannot be read any more": {
    isShort: true,
    by: (folder) => folder.write("models/second.onnx", "none"),
    told: /"second\.onnx" was changed/,
  },
  "another good model": {
    by: (folder) => folder.write("models/second.onnx", classifierBytes({ firstWeight: 2 })),
    told: /"second\.onnx" was changed/,
  },
  "a model that is gone": {
    isShort: true,
    by: (folder) => rm(folder.at("models", "second.onnx")),
    told: /the file "second\.onnx" is missing/,
  },
  "weights that are gone": {
    isShort: true,
    by: (folder) => rm(folder.at("models", "first", weights)),
    told: /the file "first\/model\.\S+" is missing/,
  },
  "labels under another name": {
    by: (folder) => rename(folder.at("models", "labels.txt"), folder.at("models", "classes.txt")),
    told: /"labels\.txt" was renamed to "classes\.txt"/,
  },
  "a model more": {
    by: (folder) => folder.write("models/third.onnx", classifierBytes()),
    told: /the file "third\.onnx" was added/,
  },
  "no seal": {
    isShort: true,
    by: async (folder) => {
      await rm(folder.at("models", "attestation.json"));
      await rm(folder.at("models", "model.sig"));
    },
    told: /is not sealed/,
  },
  "half a seal": {
    by: (folder) => rm(folder.at("models", "model.sig")),
    told: /model\.sig is gone/,
  },
};

test("no server starts on what is not as it was sealed: status 77, and what differs", async () => {
  await using folder = await scratch();
  await sealedModels(folder);
  await cp(folder.at("models"), folder.at("whole"), { recursive: true });
  for (const [name, { by, told, isShort = false }] of Object.entries(tamperings)) {
    if (!isShort && !isLong) continue;
    await by(folder);
    const { status, err } = await cupel(...words(folder));
    assert.equal(status, 77, `${name}: ${err}`);
    assert.match(err, /error MODEL_REFUSED: /, name);
    assert.match(err, told, name);
    await rm(folder.at("models"), { recursive: true });
    await cp(folder.at("whole"), folder.at("models"), { recursive: true });
  }
  // What differs is in the record, and several processes end as one does.
  await folder.write("models/labels.txt", "bright\n");
  const more = isLong ? ["--processes", "2"] : [];
  const { status, err } = await spawnCupel([...words(folder), ...more, "--audit", folder.at("record")]).ended;
  assert.equal(status, 77, err);
  assert.match(err, isLong ? /error SERVE_REFUSED: / : /error MODEL_REFUSED: /);
  assert.match(await recorded(folder), /"action":"SEAL\.VERIFY\.FAIL".*labels\.txt/);
});

test("a policy that is missing or broken lets no server start, nor does a cache of what is not sealed", async () => {
  await using folder = await scratch();
  await sealedModels(folder);
  const missing = await cupel(...words(folder, "none.json"));
  assert.equal(missing.status, 66, missing.err);
  assert.match(missing.err, /error POLICY_UNREADABLE: /);
  await folder.write("broken.json", '{"signers": [{"key": "key.pem"}], "roolback": "allow"}');
  for (const more of [[], ["--processes", "2"]]) {
    const broken = await cupel(...words(folder, "broken.json"), ...more);
    assert.equal(broken.status, 65, broken.err);
    assert.match(broken.err, /error POLICY_INVALID: .*\/roolback is not known; did you mean rollback\?/);
  }
  const cached = await cupel(...words(folder), "--set", `engine.cacheFolder=${folder.at("cache")}`);
  assert.match(cached.err, /error CONFIG_INVALID: .*cacheFolder must be null/);
  const { config } = parseConfig({ flags: { "attestation.policy": folder.at("policy.json") } });
  await assert.rejects(startServer(config), { code: "CONFIG_INVALID", message: /needs a gate/ });
  const shown = await cupel(...words(folder), "--show-config");
  assert.match(shown.out, /attestation\.policy +"\S*policy\.json" +flag/);
});

test("what was tampered with while it is served is refused by poll and by call, and the good one answers on", async () => {
  await using folder = await scratch();
  await sealedModels(folder);
  const { config } = parseConfig({
    flags: {
      "listen.port": 0,
      "repository.path": folder.at("models"),
      "repository.pollMs": 100,
      "attestation.policy": folder.at("policy.json"),
      "engine.trial": false,
      "engine.threads": 1,
      "logging.level": "silent",
    },
  });
  const events: WorkEvent[] = [];
  const sink = { emit: async (event: WorkEvent) => void events.push(event) };
  const gate = await openAttestationGate(folder.at("policy.json"), { repository: folder.at("models"), sink });
  await using server = await startServer(config, { gate, sink });
  const stateOf = async (model: string) => {
    const answer = await fetch(`${server.url}/v2/repository/index`, { method: "POST" });
    const found = new RegExp(`"name":"${model}"[^}]*"state":"(\\w+)"`).exec(await answer.text());
    return found?.[1];
  };
  const load = (model: string) =>
    fetch(`${server.url}/v2/repository/models/${model}/load`, { method: "POST" });
  const loads = (action: string) => events.filter((event) => event.action === action).length;
  assert.equal(loads("MODEL.LOAD"), 2);
  assert.equal(loads("SEAL.VERIFY"), 1, "one folder, one reading");
  await copyFile(folder.at("models", "second.onnx"), folder.at("good.onnx"));
  // By poll: a good model, and one that nobody sealed.
  await folder.write("models/second.onnx", classifierBytes({ firstWeight: 3 }));
  await until(() => loads("MODEL.LOAD.FAIL") > 0);
  const failed = events.find(({ action }) => action === "MODEL.LOAD.FAIL");
  assert.equal(failed?.context.code, "MODEL_REFUSED");
  assert.match(failed?.context.reason ?? "", /"second\.onnx" was changed/);
  assert.equal(failed?.severity, "CRITICAL");
  // By call.
  const refused = await load("second");
  assert.equal(refused.status, 403);
  const text = await refused.text();
  assert.match(text, /"code":"MODEL_REFUSED"/);
  assert.ok(!text.includes(folder.path), "no path leaves the machine");
  assert.equal(await stateOf("second"), "READY");
  const image = { name: "image", shape: [1, 1, 8, 8], datatype: "FP32", data: new Array(64).fill(0) };
  const answer = await fetch(`${server.url}/v2/models/second/infer`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ inputs: [image] }),
  });
  assert.equal(answer.status, 200);
  // Sealed anew it comes into service.
  await seal(folder);
  assert.equal((await load("second")).status, 200);
  assert.equal(loads("MODEL.RELOAD"), 1);
  // And what was good before is a step back now.
  await copyFile(folder.at("good.onnx"), folder.at("models", "second.onnx"));
  assert.equal((await load("second")).status, 403);
});

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !holds(); i++) await delay(10);
  assert.ok(holds(), "it did not come to that within 10 s");
}

/** The lines of the record. */
async function recorded(folder: Scratch): Promise<string> {
  const names = await readdir(folder.at("record", "journal"));
  const texts = names.map((name) => readFile(folder.at("record", "journal", name), "utf8"));
  return (await Promise.all(texts)).join("");
}
