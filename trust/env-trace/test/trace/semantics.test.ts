/** A program does not see that it is traced: what it does to process.env gives what it gives without. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { openProject, runPlain, runTraced, systemNames } from "../support/traced.ts";

const program = fileURLToPath(new URL("../support/semantics-program.cjs", import.meta.url));

const name = fc.oneof(
  fc.constantFrom(
    "A",
    "a",
    "KEPT",
    "PATH",
    "",
    "1",
    "0",
    "A=B",
    "toString",
    "hasOwnProperty",
    "constructor",
    "__proto__",
    "$symbol",
    "toJSON",
    "then",
    "A_TOKEN",
    "ä",
  ),
  fc.string({ maxLength: 3 }).filter((text) => !text.includes("\0")),
);
const value = fc.oneof(
  fc.constantFrom("", "x", "$undefined", "$symbol", "$object", "$thrower", null, 0, -1.5, true, "a\nb"),
  fc.string({ maxLength: 5 }).filter((text) => !text.includes("\0")),
);
const flags = fc.constantFrom(
  {},
  { writable: true, enumerable: true, configurable: true },
  { writable: true, enumerable: true, configurable: false },
  { writable: false, enumerable: true, configurable: true },
);
const ofNothing = [
  "keys",
  "forIn",
  "entries",
  "spread",
  "json",
  "inspect",
  "clone",
  "post",
  "equal",
  "shape",
  "freeze",
  "prototype",
];
const ofName = ["get", "has", "delete", "hasOwn", "descriptor", "accessor"];
const ofValue = ["set", "set", "set", "reflectSet", "setOther", "inherits"];
const step = fc.oneof(
  fc.tuple(fc.constantFrom(...ofNothing)),
  fc.tuple(fc.constantFrom(...ofName), name),
  fc.tuple(fc.constantFrom(...ofValue), name, value),
  fc.tuple(fc.constant("define"), name, value, flags),
  fc.tuple(fc.constantFrom("rest", "destructureCall"), fc.constantFrom("KEPT", "A", "PATH")),
  fc.tuple(fc.constant("assign"), fc.constantFrom("A", "1", "KEPT"), fc.constantFrom("x", 3, null)),
);

test("whatever is done to process.env gives what it gives without a trace", async () => {
  await using project = await openProject();
  const cases = fc.sample(fc.array(step, { minLength: 1, maxLength: 12 }), { numRuns: 400, seed: 21 });
  const file = join(project.path, "cases.json");
  await writeFile(file, JSON.stringify(cases));
  const env = { KEPT: "kept" };
  const plain = await runPlain(process.execPath, [program, file], { env: { ...systemNames(), ...env } });
  const traced = await runTraced([program, file], { project: project.path, env });
  assert.deepEqual([plain.status, plain.err, traced.status, traced.err], [0, "", 0, ""]);
  const found = traced.out.split("\n");
  const lines = plain.out.split("\n");
  assert.equal(found.length, lines.length);
  const at = lines.findIndex((line, i) => line !== found[i]);
  assert.equal(found[at], lines[at], JSON.stringify(cases[at]));
  assert.ok(lines.some((line) => line.includes("thrown")) && lines.length > 400);
});

/** What each prints is compared. */
const programs: Readonly<Record<string, string>> = {
  "workerData and the environment of threads": `
    const { Worker, SHARE_ENV, isMainThread, workerData, parentPort } = require("node:worker_threads");
    if (!isMainThread) {
      process.env.FROM_THREAD = "yes";
      parentPort.postMessage([workerData, process.env.KEPT, process.env.MORE, Object.keys(process.env).length, process.execArgv, process.env]);
    } else (async () => {
      const options = { plain: {}, data: { workerData: { env: process.env } }, own: { env: { MORE: 1 } }, copied: { env: process.env, execArgv: [] }, shared: { env: SHARE_ENV }, sharedAnew: { env: SHARE_ENV, execArgv: [] } };
      for (const [name, option] of Object.entries(options)) {
        const worker = new Worker(__filename, option);
        const ended = new Promise((done) => worker.on("exit", done));
        const message = await new Promise((done, failed) => worker.on("message", done).on("error", failed));
        await ended;
        console.log(name, JSON.stringify(message), process.env.FROM_THREAD, worker instanceof Worker, worker.constructor === Worker);
        delete process.env.FROM_THREAD;
      }
      try { new Worker(__filename, { env: 3 }); } catch (error) { console.log(error.code); }
      class Own extends Worker {}
      const own = new Own("", { eval: true });
      console.log(own instanceof Own, Worker.name, Worker.length);
    })();`,
  "child processes, by all functions": `
    const child = require("node:child_process");
    if (process.argv[2] === "child") { const { PWD, OLDPWD, SHLVL, _, ...env } = process.env; console.log(JSON.stringify(env)); process.disconnect?.(); }
    else (async () => {
      const { execPath } = process, words = [__filename, "child"], line = '"' + execPath + '" "' + __filename + '" child';
      const env = { PATH: process.env.PATH, ONLY: 1, UNSET: undefined };
      for (const options of [undefined, { env }, { env: { ...process.env, MORE: "x" } }, { env: Object.create(env) }]) {
        console.log(String(child.execFileSync(execPath, words, options)), String(child.execSync(line, options)), String(child.spawnSync(execPath, words, options).stdout));
        console.log(await new Promise((done) => child.execFile(execPath, words, options ?? {}, (_, out) => done(out))));
        const fork = child.fork(__filename, ["child"], { ...options, silent: true });
        let out = ""; fork.stdout.on("data", (text) => { out += text; });
        await new Promise((done) => fork.on("close", done));
        const { NODE_CHANNEL_FD, ...given } = JSON.parse(out);
        console.log(JSON.stringify(given));
      }
      for (const bad of [{ env: 3 }, 3, { cwd: 4 }]) for (const name of ["spawnSync", "execFileSync", "spawn"]) {
        try { child[name](execPath, words, bad); console.log("ran"); } catch (error) { console.log(name, error.code, error.message); }
      }
      console.log(child.spawnSync.length, child.spawnSync.name, child.execSync.length, child.ChildProcess.prototype.spawn.name);
    })();`,
  "deprecations, builtins and loaders": `
    process.env.NUMBER = 1;
    const { Module } = require("node:module");
    console.log(Object.keys(Module._extensions), Module._load.name, Module.prototype.require.toString().length, Module._resolveFilename.toString().length, require("node:module").registerHooks?.name);
    console.log(process.listenerCount("exit"), process.eventNames(), Object.getOwnPropertyNames(Error).sort(), typeof Error.prepareStackTrace, Error.stackTraceLimit);
    console.log(new Error("x").stack.split("\\n").length > 1, structuredClone.name, structuredClone.length, Object.keys(globalThis).length);
    import("data:text/javascript,export * from 'node:fs'; import p, { env } from 'node:process'; import { execSync } from 'node:child_process'; export default [env === p.env, env === process.env, execSync === process.getBuiltinModule('child_process').execSync]").then((m) => console.log(m.default, typeof m.readFileSync));`,
};

for (const [what, text] of Object.entries(programs)) {
  test(`as without a trace: ${what}`, async () => {
    await using project = await openProject();
    const file = join(project.path, "program.cjs");
    await writeFile(file, text);
    const env = { KEPT: "kept", A_TOKEN: "of-the-test" };
    const words = ["--pending-deprecation", file];
    const plain = await runPlain(process.execPath, words, {
      env: { ...systemNames(), ...env },
      cwd: project.path,
    });
    const traced = await runTraced(words, { project: project.path, env });
    const anonymous = (text: string) => text.replaceAll(/\(node:\d+\)/g, "(node)");
    assert.equal(plain.status, 0, plain.err);
    assert.equal(traced.out, plain.out);
    assert.equal(anonymous(traced.err), anonymous(plain.err));
  });
}
