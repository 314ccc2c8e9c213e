/** What sessions do to the life of a process is only seen from outside: each case is a program of its own. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { openTemporaryFolder } from "@cupel/base";

const run = promisify(execFile);

async function program(body: string, environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const source = `
    import { openSession } from "@cupel/runtime";
    import { doubler, slowModel } from "./tiny-models.ts";
    const x = { type: "float32", dims: [1, 3], data: Float32Array.of(1, 2, 3) };
    ${body}
  `;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", source], {
    cwd: import.meta.dirname,
    timeout: 20_000,
    env: environment,
  });
  return stdout.trim();
}

test("an idle session does not keep its process alive", async () => {
  const out = await program(`
    const session = await openSession(doubler());
    await session.run({ x });
    console.log("idle");
  `);
  assert.equal(out, "idle");
});

test("a run under way does keep it alive", async () => {
  const out = await program(`
    const session = await openSession(slowModel());
    const square = { type: "float32", dims: [512, 512], data: new Float32Array(512 * 512) };
    void session.run({ x: square }).then(() => console.log("answered"));
  `);
  assert.equal(out, "answered");
});

test("closing in the middle of a run keeps it alive until the thread has ended", async () => {
  const out = await program(`
    const session = await openSession(slowModel());
    const square = { type: "float32", dims: [512, 512], data: new Float32Array(512 * 512) };
    session.run({ x: square }).catch((error) => console.log(error.code));
    await session.close();
    console.log("closed");
  `);
  assert.equal(out, "SESSION_CLOSED\nclosed");
});

test("a process may exit in the middle of a run", async () => {
  const out = await program(`
    const session = await openSession(slowModel());
    const square = { type: "float32", dims: [512, 512], data: new Float32Array(512 * 512) };
    void session.run({ x: square });
    setTimeout(() => { console.log("leaving"); process.exit(0); }, 30);
  `);
  assert.equal(out, "leaving");
});

test("a process may exit while a model is being loaded", async () => {
  const out = await program(`
    void openSession(slowModel());
    setTimeout(() => { console.log("leaving"); process.exit(0); }, 60);
  `);
  assert.equal(out, "leaving");
});

test("a process may exit while the engine itself is being loaded", {
  skip: process.platform !== "linux" && "sees the engine in /proc/self/maps",
}, async () => {
  const once = () =>
    program(`
      import { readFileSync } from "node:fs";
      void openSession(doubler());
      (function look() {
        if (!/onnxruntime/.test(readFileSync("/proc/self/maps", "latin1"))) return void setImmediate(look);
        console.log("leaving");
        process.exit(0);
      })();
    `);
  assert.deepEqual(await Promise.all([once(), once(), once(), once()]), Array(4).fill("leaving"));
});

test("a cancelled opening leaves nothing behind", async () => {
  const out = await program(`
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 40);
    await openSession(slowModel(), { signal: abort.signal }).catch((error) => console.log(error.code));
  `);
  assert.ok(out === "CANCELLED" || out === "", out);
});

test("closing leaves no handle and no thread behind", async () => {
  const out = await program(`
    import { readFileSync } from "node:fs";
    const threads = () => process.platform === "linux"
      ? Number(/^Threads:\\s*(\\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]) : 0;
    const cycle = async () => {
      await using session = await openSession(doubler(), { threads: 4 });
      await session.run({ x });
    };
    await cycle();
    const before = { threads: threads(), resources: process.getActiveResourcesInfo().length };
    for (let i = 0; i < 5; i++) await cycle();
    const after = { threads: threads(), resources: process.getActiveResourcesInfo().length };
    console.log(JSON.stringify({ before, after }));
  `);
  const { before, after } = JSON.parse(out);
  assert.deepEqual(after, before);
});

test("the engine leaves no file of its own: neither among the temporary ones nor at home", async () => {
  await using folder = await openTemporaryFolder("home");
  const { ORT_DISABLE_TELEMETRY: _, ...environment } = process.env;
  const places = { TMPDIR: folder.path, TEMP: folder.path, HOME: folder.path, XDG_CACHE_HOME: folder.path };
  const out = await program(
    `
    await using session = await openSession(doubler());
    await session.run({ x });
    console.log("ran");
  `,
    { ...environment, ...places },
  );
  assert.equal(out, "ran");
  assert.deepEqual(await readdir(folder.path), []);
});
