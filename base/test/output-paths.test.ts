/** Output paths that cannot be written are told before the work, and a trial leaves nothing. */
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assertWritable, CupelError } from "@cupel/base";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cupel-base-"));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const everything = async (folder: string) => (await readdir(folder, { recursive: true })).sort();

interface Refused {
  readonly what: string;
  readonly says: RegExp;
  /** @returns the paths to try. */
  prepare(folder: string): Promise<readonly string[]>;
  readonly skip?: string | false;
}

const isRoot = process.getuid?.() === 0;

const refused: readonly Refused[] = [
  {
    what: "whose folder is a file",
    says: /afile\/t\.onnx.*is a file, not a folder/,
    async prepare(folder) {
      await writeFile(join(folder, "afile"), "old");
      return [join(folder, "afile", "t.onnx")];
    },
  },
  {
    what: "that has a file further up",
    says: /is a file, not a folder/,
    async prepare(folder) {
      await writeFile(join(folder, "afile"), "old");
      return [join(folder, "afile", "a", "b", "t.onnx")];
    },
  },
  {
    what: "that is a folder",
    says: /t\.onnx: it is a folder.*choose another name/,
    async prepare(folder) {
      await mkdir(join(folder, "t.onnx"));
      return [join(folder, "t.onnx")];
    },
  },
  {
    what: "that is a link to a folder",
    says: /it is a folder/,
    async prepare(folder) {
      await mkdir(join(folder, "there"));
      await symlink("there", join(folder, "t.onnx"));
      return [join(folder, "t.onnx")];
    },
  },
  {
    what: "with a name longer than the system takes",
    says: /shorter name/,
    prepare: async (folder) => [join(folder, `${"n".repeat(300)}.onnx`)],
  },
  {
    what: "in a folder whose name is too long",
    says: /shorter name/,
    prepare: async (folder) => [join(folder, "new", "n".repeat(300), "t.onnx")],
  },
  {
    what: "in a folder behind a link that leads nowhere",
    says: /Could not write/,
    async prepare(folder) {
      await symlink(join(folder, "nowhere"), join(folder, "link"));
      return [join(folder, "link", "t.onnx")];
    },
  },
  {
    what: "in a folder that may not be written to",
    says: /may write to/,
    skip: isRoot && "root may write anywhere",
    async prepare(folder) {
      await mkdir(join(folder, "closed"));
      await chmod(join(folder, "closed"), 0o500);
      return [join(folder, "closed", "t.onnx")];
    },
  },
  {
    what: "in a folder of the system that takes no files",
    says: /Could not write/,
    skip: process.platform !== "linux" && "needs /proc",
    prepare: async () => ["/proc/cupel/t.onnx"],
  },
  {
    what: "inside another output",
    says: /would lie in .*t\.onnx/,
    prepare: async (folder) => [join(folder, "t.onnx"), join(folder, "t.onnx", "trace.json")],
  },
];

for (const { what, says, prepare, skip = false } of refused) {
  test(`a path ${what} is refused, and nothing is left of the trial`, { skip }, () =>
    inFolder(async (folder) => {
      const paths = await prepare(folder);
      const before = await everything(folder);
      await assert.rejects(assertWritable(paths), (thrown) => {
        assert.ok(thrown instanceof CupelError);
        assert.equal(thrown.code, "WRITE_FAILED");
        assert.equal(thrown.spec.exit, 74);
        assert.match(thrown.message, says);
        return true;
      });
      assert.deepEqual(await everything(folder), before);
    }),
  );
}

test("paths that can be written pass, in folders there are and in folders still to be made", () =>
  inFolder(async (folder) => {
    await writeFile(join(folder, "old.onnx"), "old");
    await mkdir(join(folder, "there"));
    const before = await everything(folder);
    await assertWritable([
      join(folder, "old.onnx"),
      join(folder, "there", "t.onnx"),
      join(folder, "a", "b", "c", "t.onnx"),
      join(folder, "a", "other.json"),
    ]);
    assert.deepEqual(await everything(folder), before);
    assert.equal(await readFile(join(folder, "old.onnx"), "utf8"), "old");
  }));
