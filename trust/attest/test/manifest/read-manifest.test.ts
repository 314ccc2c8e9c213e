/** What a manifest is made of, what is refused by name, and that a folder in motion has none. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { CupelError, createRandom, openTemporaryFolder, type Progress, silentProgress } from "@cupel/base";
import { manifestRoots, readManifest, readSha256Manifest } from "../../src/index.ts";
import { digestFile } from "../../src/manifest/digest-file.ts";
import { walkFolder } from "../../src/manifest/walk-folder.ts";
import { countingProgress } from "../support/counting-progress.ts";
import { drawFolder, writeEntries } from "../support/model-folder.ts";
import { referenceRoots } from "../support/reference-root.ts";

const posix = process.platform === "win32" ? "Windows has no such things" : false;

/** Calls `act` between the first walk and the reading. */
function acting(act: () => void): Progress {
  return {
    start(...of) {
      act();
      return silentProgress.start(...of);
    },
  };
}

test("entries are in the order of code points, and digests are those that others print", async () => {
  await using folder = await openTemporaryFolder("attest");
  const at = (name: string) => join(folder.path, name);
  // U+FFEE stands before U+1D4B3, though its UTF-16 code unit is greater; "a-b" before "a/b".
  for (const name of ["𝒳", "\uffee", "a-b", "Z"]) await writeFile(at(name), "abc");
  await mkdir(at("a/b/c"), { recursive: true });
  await mkdir(at("hidden"));
  await writeFile(at("hidden/model.sig"), "");
  await writeFile(at("attestation.json"), "{}");
  const manifest = await readManifest(folder.path, {
    exclude: ["attestation.json", "hidden/model.sig", "not-there"],
  });
  assert.deepEqual(
    manifest.map(({ path, kind }) => `${kind} ${path}`),
    ["file Z", "file a-b", "folder a/b/c", "folder hidden", "file \uffee", "file 𝒳"],
  );
  assert.deepEqual(manifest[0], {
    kind: "file",
    path: "Z",
    size: 3,
    executable: false,
    // FIPS 180-2 B.1 and GB/T 32905-2016 A.1
    sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    sm3: "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
  });
  const quick = await readSha256Manifest(folder.path, { exclude: ["attestation.json"] });
  assert.equal(quick.length, manifest.length);
  assert.ok(quick.every((entry) => !("sm3" in entry)));
});

test("of the mode only the owner's right to execute counts", { skip: posix }, async () => {
  await using folder = await openTemporaryFolder("attest");
  const path = join(folder.path, "run.sh");
  await writeFile(path, "");
  const rootsBy = async (mode: number) => {
    await chmod(path, mode);
    return manifestRoots(await readManifest(folder.path)).sha256;
  };
  const plain = await rootsBy(0o644);
  assert.equal(await rootsBy(0o600), plain);
  assert.equal(await rootsBy(0o611), plain);
  const executable = await rootsBy(0o755);
  assert.notEqual(executable, plain);
  assert.equal(await rootsBy(0o700), executable);
});

type Make = (root: string) => Promise<unknown>;

const refused: Readonly<
  Record<string, { readonly code: string; readonly says: RegExp; readonly make: Make }>
> = {
  pipe: {
    code: "ENTRY_REFUSED",
    says: /"p" .* is a pipe/,
    make: async (root) => execFileSync("mkfifo", [join(root, "p")]),
  },
  "file that runs as its owner": {
    code: "ENTRY_REFUSED",
    says: /set-user-ID/,
    make: async (root) => {
      await writeFile(join(root, "s"), "");
      await chmod(join(root, "s"), 0o4755);
    },
  },
  "link for a file to leave out": {
    code: "ENTRY_REFUSED",
    says: /"model.sig" .* to be left out/,
    make: (root) => symlink("other", join(root, "model.sig")),
  },
  "folder for a file to leave out": {
    code: "ENTRY_REFUSED",
    says: /"model.sig" .* to be left out/,
    make: (root) => mkdir(join(root, "model.sig")),
  },
  "name that is not UTF-8": {
    code: "NAME_REFUSED",
    says: /not valid UTF-8/,
    make: (root) => writeFile(Buffer.concat([Buffer.from(`${root}/a`), Buffer.of(0xff)]), ""),
  },
  "name with a backslash": {
    code: "NAME_REFUSED",
    says: /backslash/,
    make: (root) => writeFile(`${root}/..\\evil`, ""),
  },
  "name with a control character": {
    code: "NAME_REFUSED",
    says: /"a\\u\{1b\}" .* control character/,
    make: (root) => writeFile(`${root}/a\u001b`, ""),
  },
  "names that differ by case": {
    code: "NAME_COLLISION",
    says: /"Model.onnx" and "model.onnx"|"model.onnx" and "Model.onnx"/,
    make: (root) => Promise.all(["model.onnx", "Model.onnx"].map((name) => writeFile(join(root, name), ""))),
  },
  "folders that differ by case": {
    code: "NAME_COLLISION",
    says: /differ by case/,
    make: async (root) => {
      for (const name of ["data", "Data"]) await mkdir(join(root, name));
      await writeFile(join(root, "data/a"), "");
      await writeFile(join(root, "Data/b"), "");
    },
  },
  "names that differ by Unicode form": {
    code: "NAME_COLLISION",
    says: /"é" and "e\\u\{301\}"|"e\\u\{301\}" and "é"/,
    make: (root) => Promise.all(["é", "e\u0301"].map((name) => writeFile(join(root, name), ""))),
  },
  "a name like one to leave out": {
    code: "NAME_COLLISION",
    says: /MODEL.SIG/,
    make: (root) => Promise.all(["model.sig", "MODEL.SIG"].map((name) => writeFile(join(root, name), ""))),
  },
  "absolute link": {
    code: "LINK_REFUSED",
    says: /"l" .* leads out of it, to "\/etc\/passwd"/,
    make: (root) => symlink("/etc/passwd", join(root, "l")),
  },
  "link upwards": {
    code: "LINK_REFUSED",
    says: /leads out of it/,
    make: async (root) => {
      await mkdir(join(root, "d"));
      await symlink("../../x", join(root, "d/l"));
    },
  },
  "link out and in again": {
    code: "LINK_REFUSED",
    says: /leads out of it/,
    make: (root) => symlink(`../${root.split("/").at(-1)}/x`, join(root, "l")),
  },
  "link that leads out by another link": {
    code: "LINK_REFUSED",
    says: /"l" .* leads out of it/,
    make: async (root) => {
      await mkdir(join(root, "a/b"), { recursive: true });
      await symlink("..", join(root, "a/b/up"));
      await symlink("../..", join(root, "a/b/top"));
      // By the names alone this is a/x.
      await symlink("a/b/top/../x", join(root, "l"));
    },
  },
  "links in a circle": {
    code: "LINK_REFUSED",
    says: /round in a circle/,
    make: async (root) => {
      await symlink("two", join(root, "one"));
      await symlink("one", join(root, "two"));
    },
  },
  "link whose target is not UTF-8": {
    code: "NAME_REFUSED",
    says: /target is not valid UTF-8/,
    make: (root) => symlink(Buffer.of(0x61, 0xfe), join(root, "l")),
  },
};

for (const [what, { code, says, make }] of Object.entries(refused)) {
  test(`refused: ${what}`, { skip: posix }, async () => {
    await using folder = await openTemporaryFolder("attest");
    await make(folder.path);
    await assert.rejects(readManifest(folder.path, { exclude: ["model.sig"] }), (thrown) => {
      assert.ok(thrown instanceof CupelError);
      assert.match(thrown.message, says);
      assert.equal(thrown.code, code);
      return true;
    });
  });
}

test("refused: socket", { skip: posix }, async () => {
  await using folder = await openTemporaryFolder("attest");
  await using server = createServer();
  await new Promise<void>((done) => server.listen(join(folder.path, "s"), done));
  await assert.rejects(readManifest(folder.path), { code: "ENTRY_REFUSED", message: /is a socket/ });
});

test("a folder that is not there, or is a file", async () => {
  await using folder = await openTemporaryFolder("attest");
  await writeFile(join(folder.path, "file"), "");
  for (const name of ["none", "file"]) {
    await assert.rejects(readManifest(join(folder.path, name)), { code: "FOLDER_UNREADABLE" });
  }
});

test("links that stay inside are entries, whether their target is there or not", {
  skip: posix,
}, async () => {
  await using folder = await openTemporaryFolder("attest");
  await mkdir(join(folder.path, "d"));
  await symlink("../missing/./x", join(folder.path, "d/dangling"));
  await symlink("..", join(folder.path, "d/up"));
  await symlink("d/up/d/up/d", join(folder.path, "here"));
  const manifest = await readManifest(folder.path);
  assert.deepEqual(
    manifest.map((entry) => "target" in entry && entry.target),
    ["../missing/./x", "..", "d/up/d/up/d"],
  );
});

const motions: Readonly<Record<string, (root: string) => void>> = {
  "a file is written to": (root) => execFileSync("sh", ["-c", "echo more >> one.bin"], { cwd: root }),
  "a file is replaced by its copy": (root) =>
    execFileSync("sh", ["-c", "cp -p one.bin new && mv new one.bin"], { cwd: root }),
  "a file becomes a link to its copy": (root) =>
    execFileSync("sh", ["-c", "mv one.bin two.bin && ln -s two.bin one.bin"], { cwd: root }),
  "a file becomes a pipe": (root) =>
    execFileSync("sh", ["-c", "rm one.bin && mkfifo one.bin"], { cwd: root }),
  "a file goes": (root) => execFileSync("rm", ["one.bin"], { cwd: root }),
  "a file comes": (root) => execFileSync("touch", ["d/new"], { cwd: root }),
  "a folder is swapped for its copy": (root) =>
    execFileSync("sh", ["-c", "mv d e && cp -a e d && rm -r e"], { cwd: root }),
  "a link is turned": (root) => execFileSync("ln", ["-sfn", "d", "l"], { cwd: root }),
  "a mode changes": (root) => execFileSync("chmod", ["755", "one.bin"], { cwd: root }),
};

for (const [what, act] of Object.entries(motions)) {
  test(`no manifest of a folder in motion: ${what}`, { skip: posix }, async () => {
    await using folder = await openTemporaryFolder("attest");
    await mkdir(join(folder.path, "d"));
    await writeFile(join(folder.path, "one.bin"), "one");
    await writeFile(join(folder.path, "d/two.bin"), "two");
    await symlink("one.bin", join(folder.path, "l"));
    await assert.rejects(readManifest(folder.path, { progress: acting(() => act(folder.path)) }), {
      code: "FOLDER_CHANGED",
    });
  });
}

test("a file that is written to between its first byte and its last is refused", async () => {
  await using folder = await openTemporaryFolder("attest");
  await writeFile(join(folder.path, "big"), Buffer.alloc(2 ** 19));
  // Long ago, so that the write shows on any clock.
  await utimes(join(folder.path, "big"), 1, 1);
  const { files } = await walkFolder(folder.path, { exclude: new Set(), ignore: new Set() });
  const digests = digestFile(folder.path, files[0]!, ["sha256"], {
    onBytes: () => writeFileSync(join(folder.path, "big"), Buffer.alloc(2 ** 19, 1)),
  });
  await assert.rejects(digests, { code: "FOLDER_CHANGED" });
});

test("the same on another file system", { skip: posix }, async (t) => {
  const other = await mkdtemp("/dev/shm/cupel-attest-").catch(() => null);
  if (other === null) return t.skip("there is no /dev/shm");
  try {
    await using folder = await openTemporaryFolder("attest");
    if ((await stat(other)).dev === (await stat(folder.path)).dev) return t.skip("both are one file system");
    const entries = drawFolder(createRandom(3), 100);
    await writeEntries(folder.path, entries);
    // In another order, which is that of `readdir` on tmpfs.
    await writeEntries(other, entries.toReversed());
    const here = await readManifest(folder.path);
    assert.deepEqual(await readManifest(other), here);
    assert.deepEqual(manifestRoots(here), referenceRoots(entries));
  } finally {
    await rm(other, { recursive: true });
  }
});

test("threads give the same manifest, tell of every byte, and end with the work", async () => {
  await using folder = await openTemporaryFolder("attest");
  const random = createRandom(5);
  for (let i = 0; i < 90; i++) {
    const size = i < 4 ? 1_500_000 : random.integer(30_000);
    await writeFile(join(folder.path, `f${i}`), Buffer.alloc(size, i));
  }
  const alone = await readManifest(folder.path, { workers: 0 });
  const { counted, progress } = countingProgress();
  assert.deepEqual(await readManifest(folder.path, { workers: 3, progress }), alone);
  const bytes = alone.reduce((sum, entry) => sum + ("size" in entry ? entry.size : 0), 0);
  assert.deepEqual(counted, { total: bytes, advanced: bytes });

  const append = acting(() => execFileSync("sh", ["-c", "echo x >> f1"], { cwd: folder.path }));
  await assert.rejects(readManifest(folder.path, { workers: 2, progress: append }), {
    code: "FOLDER_CHANGED",
    details: { folder: folder.path, path: "f1" },
  });
  const controller = new AbortController();
  for (const workers of [0, 2]) {
    const abort = acting(() => controller.abort());
    await assert.rejects(readManifest(folder.path, { workers, progress: abort, signal: controller.signal }), {
      code: "CANCELLED",
    });
  }
});
