/** `cupel env trace`: the program runs as it would, and what its packages did is told in every form. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openTemporaryFolder } from "@cupel/base";

const command = fileURLToPath(new URL("../src/main.ts", import.meta.url));

async function openProject() {
  const folder = await openTemporaryFolder("env-command");
  const put = async (path: string, text: string) => {
    await mkdir(join(folder.path, path, ".."), { recursive: true });
    await writeFile(join(folder.path, path), text);
  };
  await put("package.json", '{ "name": "project" }');
  await put(
    "main.cjs",
    'require("reader"); console.log("ran", process.argv.slice(2).join()); process.exitCode = Number(process.argv[2] ?? 0);',
  );
  await put("node_modules/reader/index.js", "void process.env.A_TOKEN;");
  const trace = (...words: readonly string[]) => {
    const at = words.indexOf("--");
    const line = [...words.slice(0, at), "--", process.execPath, "main.cjs", ...words.slice(at + 1)];
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, "env", "trace", ...line], {
      cwd: folder.path,
      encoding: "utf8",
      env: { ...process.env, A_TOKEN: "value-of-the-token" },
    });
    assert.ok(!`${stdout}${stderr}`.includes("value-of-the-token"));
    return { status, stdout, stderr };
  };
  const read = (name: string) => readFile(join(folder.path, name), "utf8");
  return { put, trace, read, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test("a program runs as it would, with its words and its exit status, and a baseline tells what is new", async () => {
  await using project = await openProject();
  const first = project.trace("--write-baseline", "known.json", "--", "0", "--more");
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stdout, /^ran 0,--more\n[\s\S]*reader +package +reads +A_TOKEN\* +1\n/);
  assert.equal(project.trace("--baseline", "known.json", "--").status, 0);
  await project.put("node_modules/reader/index.js", "void process.env.A_TOKEN; void process.env.ANOTHER;");
  const later = project.trace("--baseline", "known.json", "--sarif", "found.sarif", "--");
  assert.equal(later.status, 3, later.stderr);
  assert.match(later.stdout, /New since the baseline:\n {2}reader reads ANOTHER\n/);
  assert.match(later.stderr, /error ENV_ACCESS_NEW/);
  const sarif = JSON.parse(await project.read("found.sarif"));
  assert.deepEqual(
    sarif.runs[0].results.map(({ ruleId }: { ruleId: string }) => ruleId),
    ["env-access-new"],
  );
  const failed = project.trace("--baseline", "known.json", "--", "7");
  assert.equal(failed.status, 7);
  assert.match(failed.stderr, /error TRACED_PROGRAM_FAILED: .* ended with status 7/);
});

test("with --json the result alone is on standard output; a policy in mode deny keeps to its list; what cannot start is told", async () => {
  await using project = await openProject();
  await project.put(
    "env-policy.json",
    '{ "version": 1, "mode": "deny", "packages": { "program": { "read": ["*"] } } }',
  );
  const { status, stdout, stderr } = project.trace(
    "--json",
    "--policy",
    "env-policy.json",
    "--observations",
    "seen",
    "--",
  );
  assert.equal(status, 3);
  assert.match(stderr, /^ran /);
  const { unlisted, error } = JSON.parse(stdout);
  assert.equal(error.code, "ENV_ACCESS_UNLISTED");
  assert.deepEqual(
    unlisted.map(({ package: name, key, isDenied }: Record<string, unknown>) => [name, key, isDenied]),
    [["reader", "A_TOKEN", true]],
  );
  const none = spawnSync(process.execPath, [command, "env", "trace", "--", "there-is-no-such-program"], {
    encoding: "utf8",
  });
  assert.equal(none.status, 66);
  assert.match(none.stderr, /error TRACED_PROGRAM_NOT_STARTED/);
});

test("packages that an older lockfile does not have are marked in every form; only what is about tagged names fails, unless it is known", async () => {
  await using project = await openProject();
  const lock = (version: string) =>
    JSON.stringify({ lockfileVersion: 3, packages: { "node_modules/reader": { version } } });
  await project.put("old.json", lock("1.0.0"));
  await project.put("package-lock.json", lock("1.0.0"));
  assert.equal(project.trace("--lockfile-before", "old.json", "--").status, 0);
  await project.put("package-lock.json", lock("1.0.1"));
  const { status, stdout, stderr } = project.trace(
    ...["--lockfile-before", "old.json", "--sarif", "found.sarif", "--report", "page.html"],
    ...["--write-baseline", "known.json", "--", "0", "--my-token=hush-hush"],
  );
  assert.equal(status, 3, stderr);
  assert.match(stdout, /Of packages new since the lockfile:\n {2}reader reads A_TOKEN\n/);
  assert.match(stderr, /error ENV_PACKAGE_NEW: reader: /);
  const sarif = JSON.parse(await project.read("found.sarif"));
  assert.deepEqual(
    sarif.runs[0].results.map(({ ruleId, level }: Record<string, unknown>) => [ruleId, level]),
    [["env-package-new", "error"]],
  );
  const page = await project.read("page.html");
  assert.ok(!/value-of-the-token|hush-hush/.test(page));
  const [, data = ""] = /<script type="application\/json" id="env-trace">(.*?)<\/script>/.exec(page) ?? [];
  const { packages, accesses, program, lockfile } = JSON.parse(data);
  assert.deepEqual(
    packages.filter(({ isNew }: { isNew: boolean }) => isNew),
    [{ name: "reader", class: "package", isNew: true }],
  );
  assert.ok(
    accesses.some(({ place }: { place: string | null }) => place === "node_modules/reader/index.js:1"),
  );
  assert.deepEqual([program.endsWith(" main.cjs 0 --my-token=***"), lockfile], [true, "old.json"]);
  assert.equal(project.trace("--lockfile-before", "old.json", "--baseline", "known.json", "--").status, 0);
  await project.put("old.json", "lockfileVersion: '9.0'");
  assert.match(
    project.trace("--lockfile-before", "old.json", "--").stderr,
    /error ENV_LOCKFILE_INVALID: .*pnpm/,
  );
});
