/** ZIP archives: what sound ones have in them, by other programs too, and that what is taken is what was packed. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CupelError, createRandom, openTemporaryFolder, silentProgress } from "@cupel/base";
import { readDirectory } from "../../src/archive/directory.ts";
import { locateEntries } from "../../src/archive/local-headers.ts";
import { readArchive, readManifest } from "../../src/index.ts";
import {
  abc,
  beyondOneCall,
  bytes,
  inBehind,
  manifestOf,
  packed,
  streamed,
  text,
  utf8,
  wideSizes,
} from "../support/archive-parts.ts";
import { drawFolder, writeEntries } from "../support/model-folder.ts";
import {
  descriptor,
  extraField,
  u32,
  u64,
  type ZipEnd,
  type ZipEntry,
  zipBytes,
} from "../support/zip-bytes.ts";

/** Several buffers of the unpacker, in pieces of no even size. */
const large = Buffer.from(Array.from({ length: 1_000_003 }, (_, i) => (i * i) >>> (i % 13)));
const sound: readonly ZipEntry[] = [
  { name: "stored", content: abc },
  { name: "a/deflated", content: text, deflate: true, mode: 0o100755 },
  { name: "a/", mode: 0o040755, dosAttributes: 0x10 },
  { name: "b/", mode: 0o040755 },
  { name: "empty", deflate: true },
  { name: "large", content: large, deflate: true },
  { name: "dos", content: abc, host: 0, mode: 0o100777 },
  { name: "é", content: abc, flags: utf8 },
  {
    name: "𝒳",
    content: abc,
    both: { extra: extraField(0x7075, Buffer.concat([bytes("\x01"), u32(0), bytes("𝒳")])) },
  },
  {
    name: "wide",
    content: text,
    deflate: true,
    both: wideSizes({ size: text.length, packedSize: packed.length }),
  },
  ...[0, 1, 2, 3].map((form) => ({
    name: `streamed${form}`,
    content: text,
    deflate: true,
    flags: streamed,
    local: form < 2 ? inBehind : wideSizes({ size: 0, packedSize: 0 }),
    behind: descriptor(form % 2 === 1, form >= 2),
  })),
];

test("a sound archive has the manifest of the folder that it would be", async () => {
  await using folder = await openTemporaryFolder("attest");
  await mkdir(join(folder.path, "b"));
  const entries = sound.filter(({ name }) => !String(name).endsWith("/"));
  await writeEntries(
    folder.path,
    entries.map(({ name, content = Buffer.alloc(0) }) => {
      return { path: String(name), kind: "file", content, executable: name === "a/deflated" };
    }),
  );
  const expected = await readManifest(folder.path);
  assert.equal(expected.length, entries.length + 1);
  for (const end of [
    {},
    { wide: "sound" },
    { comment: bytes("PK\x05\x06 of a model") },
  ] as const satisfies ZipEnd[]) {
    assert.deepEqual(await manifestOf(zipBytes(sound, end)), expected);
  }
  assert.deepEqual(await manifestOf(zipBytes(sound), { workers: 2 }), expected);
  const left = await manifestOf(zipBytes(sound), { exclude: ["stored", "b"] });
  assert.deepEqual(
    left,
    expected.filter(({ path }) => path !== "stored"),
  );
  assert.deepEqual(await manifestOf(zipBytes([])), []);
});

test("a deflated entry has its digests by a thread and without, small or large", async () => {
  const contents = [Buffer.alloc(0), text, large, beyondOneCall];
  const archive = zipBytes(contents.map((content, i) => ({ name: `${i}`, content, deflate: true })));
  for (const workers of [0, 1]) {
    const digests = (await manifestOf(archive, { workers })).map(
      (entry) => entry.kind === "file" && entry.sha256,
    );
    assert.deepEqual(
      digests,
      contents.map((content) => hash("sha256", content)),
    );
  }
});

test("an entry beyond 4 GiB is found where it is", () => {
  const size = 5e9;
  const wide = { crc: 7, ...wideSizes({ size, packedSize: size }) };
  const [head, tail] = [zipBytes([{ name: "big", both: wide }]), zipBytes([{ name: "big", both: wide }])];
  const dataPosition = 30 + 3 + 20;
  // The data are not there: the archive is its two ends, with what would be between them.
  tail.writeUInt32LE(0xffffffff, tail.length - 6);
  const directory = tail.subarray(dataPosition, tail.length - 22);
  const record = Buffer.concat([
    ...[u32(0x06064b50), u64(44), u32(0), u32(0), u32(0)],
    ...[u64(1), u64(1), u64(directory.length), u64(dataPosition + size)],
  ]);
  const locator = Buffer.concat([
    u32(0x07064b50),
    u32(0),
    u64(dataPosition + size + directory.length),
    u32(1),
  ]);
  const behind = Buffer.concat([directory, record, locator, tail.subarray(tail.length - 22)]);
  const archive = {
    path: "big.zip",
    size: dataPosition + size + behind.length,
    read(position: number, length: number) {
      const result = Buffer.alloc(length);
      if (position < dataPosition) head.copy(result, 0, position);
      else
        behind.copy(
          result,
          Math.max(0, dataPosition + size - position),
          Math.max(0, position - dataPosition - size),
        );
      return result;
    },
  };
  const found = readDirectory(archive);
  const [entry] = locateEntries(archive, found.entries, found.position);
  assert.deepEqual([entry?.size, entry?.dataPosition], [size, dataPosition]);
});

test("an archive that changes while it is read is refused, and work that is cancelled ends", async () => {
  await using folder = await openTemporaryFolder("attest");
  const path = join(folder.path, "model.zip");
  const controller = new AbortController();
  const acts = { ARCHIVE_CHANGED: () => appendFileSync(path, "x"), CANCELLED: () => controller.abort() };
  for (const workers of [0, 2]) {
    for (const [code, act] of Object.entries(acts)) {
      await writeFile(path, zipBytes(sound));
      const start = () => {
        act();
        return silentProgress.start("");
      };
      const signal = code === "CANCELLED" ? controller.signal : undefined;
      await assert.rejects(readArchive(path, { workers, progress: { start }, signal }), { code });
    }
  }
});

test("of an archive with any one bit turned, what is taken has the content that was packed", async () => {
  const small = zipBytes([
    { name: "a", content: abc },
    {
      name: "b/c",
      content: text.subarray(0, 100),
      deflate: true,
      flags: streamed,
      local: inBehind,
      behind: descriptor(true, false),
    },
  ]);
  const packedContents = new Set([abc, text.subarray(0, 100)].map((content) => hash("sha256", content)));
  const random = createRandom(4);
  await using folder = await openTemporaryFolder("attest");
  const path = join(folder.path, "model.zip");
  const read = async (archive: Buffer) => {
    await writeFile(path, archive);
    return await readArchive(path);
  };
  let refused = 0;
  for (let at = 0; at < small.length; at++) {
    const turned = Buffer.from(small);
    turned[at]! ^= 1 << random.integer(8);
    try {
      for (const entry of await read(turned)) {
        if (entry.kind === "file") assert.ok(packedContents.has(entry.sha256), `byte ${at}`);
      }
    } catch (thrown) {
      assert.ok(thrown instanceof CupelError && thrown.code !== "INTERNAL", `byte ${at}: ${thrown}`);
      refused++;
    }
    if (at % 10 === 0) await assert.rejects(read(small.subarray(0, at)), { code: "ARCHIVE_INVALID" });
  }
  assert.ok(refused > small.length / 2, `${refused} of ${small.length}`);
});

/** Whether a program is there. */
function has(...command: [string, ...string[]]): boolean {
  try {
    execFileSync(command[0], command.slice(1), { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const packers: Readonly<
  Record<string, { readonly found: boolean; readonly command: string; readonly ascii: boolean }>
> = {
  "zip, deflated": { found: has("zip", "-v"), command: "zip -qr ../model.zip .", ascii: true },
  "zip, stored": { found: has("zip", "-v"), command: "zip -qr0 ../model.zip .", ascii: true },
  "Python, to a pipe": {
    found: has("python3", "-c", "import zipfile"),
    command: `python3 -c '
import os, sys, zipfile
archive = zipfile.ZipFile(sys.stdout.buffer, "w", zipfile.ZIP_DEFLATED)
for top, folders, files in os.walk("."):
  for name in sorted(files) + [each for each in folders if not os.listdir(os.path.join(top, each))]:
    archive.write(os.path.join(top, name), os.path.relpath(os.path.join(top, name), "."))
archive.close()' | cat > ../model.zip`,
    ascii: false,
  },
};

for (const [what, { found, command, ascii }] of Object.entries(packers)) {
  test(`an archive by ${what} has the manifest of its folder`, {
    skip: !found && "it is not there",
  }, async () => {
    await using folder = await openTemporaryFolder("attest");
    const entries = drawFolder(createRandom(6), 40).filter(
      ({ kind, path }) => kind !== "link" && (!ascii || /^[ -~]*$/.test(path)),
    );
    await writeEntries(join(folder.path, "model"), entries);
    execFileSync("sh", ["-c", command], { cwd: join(folder.path, "model") });
    const expected = await readManifest(join(folder.path, "model"));
    assert.deepEqual(await readArchive(join(folder.path, "model.zip")), expected);
  });
}
