/** The preload that verifies an application before anything of it runs: as processes, for it ends the one it is in. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { test } from "node:test";
import { drawSigner, Models, policyWith } from "../support/sealed-model.ts";

const signer = await drawSigner();
const guard = new URL("../../src/guard/guard.ts", import.meta.url).href;

/** What it is told to do, in order; says what came of each. */
const application = `
import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { Worker, isMainThread } from "node:worker_threads";
import { name } from "./part.mjs";

const file = process.argv[1];
const deeds = {
  tamper: () => writeFileSync(new URL("./part.mjs", import.meta.url), "export const name = 'another';"),
  thread: () => once(new Worker(file), "exit"),
  child: async () => console.log("child", (await once(fork(file), "exit"))[0]),
};
console.log(isMainThread ? "main" : "thread", name);
if (isMainThread) for (const deed of process.argv.slice(2)) await deeds[deed]();
`;

async function sealedApplication(): Promise<Models> {
  const models = await Models.open();
  await models.put("app/main.mjs", Buffer.from(application));
  await models.put("app/part.mjs", Buffer.from("export const name = 'part';"));
  await models.seal("app", signer, "app");
  await models.policy(policyWith([signer]));
  return models;
}

function run(models: Models, deeds: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", guard, models.at("app/main.mjs"), ...deeds],
    {
      encoding: "utf8",
      env: {
        ...process.env,
        CUPEL_GUARD_POLICY: models.policyFile,
        CUPEL_GUARD_FOLDER: models.at("app"),
        ...env,
      },
    },
  );
  return { status, stdout, stderr };
}

test("an application that is as it was sealed runs, with its threads and processes", async () => {
  await using models = await sealedApplication();
  const { status, stdout, stderr } = run(models, ["thread", "child"]);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "main part\nthread part\nmain part\nchild 0\n");
});

test("one that was changed runs nothing, and ends with 77 and with what differs", async () => {
  await using models = await sealedApplication();
  await models.put("app/part.mjs", Buffer.from("console.log('ran');export const name = 'another';"));
  symlinkSync("main.mjs", models.at("app/added.mjs"));
  const { status, stdout, stderr } = run(models);
  assert.equal(status, 77, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, /^error SEAL_BROKEN: .*the link "added\.mjs" was added; "part\.mjs" was changed/);
  await rm(models.policyFile);
  assert.match(run(models).stderr, /^error POLICY_UNREADABLE: /);
  const unset = run(models, [], { CUPEL_GUARD_FOLDER: "" });
  assert.equal(unset.status, 77);
  assert.match(unset.stderr, /^error POLICY_UNREADABLE: .*CUPEL_GUARD_FOLDER is not set/);
});

test("processes that it starts are verified for themselves, threads are part of what was verified", async () => {
  await using models = await sealedApplication();
  const { status, stdout, stderr } = run(models, ["tamper", "child", "thread"]);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "main part\nchild 77\nthread another\n");
  assert.match(stderr, /"part\.mjs" was changed/);
});
