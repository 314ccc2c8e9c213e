/**
 * The launcher of the command, beside a `main.js` of the test's own. An old Node.js is this one that says it
 * is old; the newer one beside the command is this one under the name of its package.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { minimumNode } from "@cupel/base";

const root = fileURLToPath(new URL("../..", import.meta.url));
const launcher = join(root, "app/cli/bin/cupel.js");
const source = readFileSync(launcher, "utf8");
const nodePackages = new Map(
  [...source.matchAll(/"(\w+-\w+)": "(node-[\w-]+)"/g)].map(([, place, name]) => [place!, name!]),
);
const here = nodePackages.get(`${process.platform}-${process.arch}`);
const old = "20.20.2";

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A copy of the launcher beside `main`. @param newer version of a Node.js installed beside it; null for none. */
function install(main: string, newer: string | null = null): string {
  const folder = mkdtempSync(join(tmpdir(), "cupel-launcher-"));
  folders.push(folder);
  for (const name of ["bin", "src"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "src/main.js"), main);
  cpSync(launcher, join(folder, "bin/cupel.js"));
  if (newer !== null) {
    const beside = join(folder, "node_modules", here!);
    mkdirSync(beside, { recursive: true });
    symlinkSync(process.execPath, join(beside, "node-itself"));
    const manifest = { name: here, version: newer, bin: { node: "node-itself" } };
    writeFileSync(join(beside, "package.json"), JSON.stringify(manifest));
  }
  return folder;
}

function start(folder: string, { version = process.versions.node, words = [] as string[] } = {}) {
  const pretend = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } })`;
  const pretence = ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`];
  const child = spawn(process.execPath, [...pretence, join(folder, "bin/cupel.js"), ...words]);
  const printed = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed.out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (printed.err += text));
  const ended = once(child, "close").then(([status, signal]) => ({ ...printed, status, signal }));
  return { child, ended };
}

const echo =
  "console.log(JSON.stringify([process.versions.node, process.argv.slice(2)])); process.exitCode = 7;";

describe("on a Node.js that is new enough", () => {
  test("the command runs in the launcher's own process, with its words and its exit status", async () => {
    const folder = install(`console.log(process.pid); ${echo}`);
    const { child, ended } = start(folder, { words: ["inspect", "a b", "--json"] });
    const { out, status } = await ended;
    const [pid, words] = out.trim().split("\n");
    assert.equal(Number(pid), child.pid);
    assert.deepEqual(JSON.parse(words!), [process.versions.node, ["inspect", "a b", "--json"]]);
    assert.equal(status, 7);
  });
});

describe("on a Node.js that is too old", { skip: here === undefined && "no Node.js in npm for here" }, () => {
  test("the command runs in the newer one beside it, with its words and its exit status", async () => {
    const { out, err, status } = await start(install(echo, "26.10.0"), {
      version: old,
      words: ["x", "--y=1 2"],
    }).ended;
    assert.deepEqual(JSON.parse(out), [process.versions.node, ["x", "--y=1 2"]]);
    assert.equal(err, "");
    assert.equal(status, 7);
  });

  for (const newer of [null, "22.18.0"]) {
    test(`with ${newer ?? "none"} beside it one sentence says what is needed, and the status is not 0`, async () => {
      const { out, err, status } = await start(install(echo, newer), { version: old }).ended;
      assert.equal(out, "");
      assert.equal(
        err,
        `cupel needs Node.js 24 or newer, and this is Node.js ${old}: ` +
          `run it with a newer one, or add one with: npm install ${here}\n`,
      );
      assert.equal(status, 69);
    });
  }

  const posix = { skip: process.platform === "win32" && "Windows has no signals" };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`${signal} reaches the command, which decides how it ends`, posix, async () => {
      const main = `process.on("${signal}", () => { console.log("stopped"); process.exit(130); });
        setInterval(() => {}, 1000); console.log("ready");`;
      const { child, ended } = start(install(main, "26.10.0"), { version: old });
      await once(child.stdout, "data");
      child.kill(signal);
      const { out, status } = await ended;
      assert.equal(out, "ready\nstopped\n");
      assert.equal(status, 130);
    });
  }

  test("a command that a signal ends makes the launcher end by that signal", posix, async () => {
    const { ended } = start(
      install(`process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000);`, "26.10.0"),
      {
        version: old,
      },
    );
    assert.equal((await ended).signal, "SIGKILL");
  });
});

test("the launcher knows the packages that npm ci brings, and the oldest Node.js as base has it", () => {
  const manifest: { optionalDependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  assert.deepEqual([...nodePackages.values()].sort(), Object.keys(manifest.optionalDependencies).sort());
  assert.match(source, new RegExp(`^const minimumNode = ${minimumNode};$`, "m"));
});
