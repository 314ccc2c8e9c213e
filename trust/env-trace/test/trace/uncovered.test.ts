/** What runs before the preload, and native code: a policy that denies everything does not keep them from a secret. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type EnvPolicy, prepareTrace } from "../../src/index.ts";
import { openProject, runPlain, runTraced, systemNames } from "../support/traced.ts";

const policy: EnvPolicy = { mode: "deny", denied: "undefined", secrets: [], packages: new Map() };
const env = { A_TOKEN: "nobody-may-have-it" };

test("what ran before the preload has the real environment", async () => {
  await using project = await openProject();
  await writeFile(join(project.path, "before.cjs"), "globalThis.real = process.env;");
  await writeFile(
    join(project.path, "main.cjs"),
    "console.log(globalThis.real.A_TOKEN, process.env.A_TOKEN);",
  );
  const trace = await prepareTrace({ folder: join(project.path, "trace"), project: project.path, policy });
  const options = `--require ${join(project.path, "before.cjs")} ${trace.nodeOptions(undefined)}`;
  const { out } = await runPlain(process.execPath, ["main.cjs"], {
    cwd: project.path,
    env: { ...systemNames(), ...env, NODE_OPTIONS: options },
  });
  assert.equal(out, "nobody-may-have-it undefined\n");
});

const hasFfi = process.platform === "linux" && process.allowedNodeEnvironmentFlags.has("--experimental-ffi");
test("native code calls getenv: by node:ffi", {
  skip: !hasFfi && "this Node.js has no node:ffi",
}, async () => {
  await using project = await openProject();
  await writeFile(
    join(project.path, "main.cjs"),
    `const ffi = require("node:ffi");
const { functions } = ffi.dlopen("libc.so.6", { getenv: { return: "pointer", arguments: ["string"] } });
console.log(ffi.toString(functions.getenv("A_TOKEN")), process.env.A_TOKEN);`,
  );
  const { out, err } = await runTraced(["--experimental-ffi", "main.cjs"], {
    project: project.path,
    policy,
    env,
  });
  assert.equal(out, "nobody-may-have-it undefined\n", err);
});

test("a process that is started past Node.js, with an environment of its own, is not traced", {
  skip: process.platform === "win32",
}, async () => {
  await using project = await openProject();
  await writeFile(
    join(project.path, "main.cjs"),
    `require("node:child_process").execSync('env -i A_TOKEN=other "' + process.execPath + '" -p process.env.A_TOKEN', { stdio: "inherit" });`,
  );
  const { out, observations } = await runTraced(["main.cjs"], { project: project.path, env });
  assert.equal(out, "other\n");
  assert.deepEqual(
    observations.filter(({ kind }) => kind === "read"),
    [],
  );
});
