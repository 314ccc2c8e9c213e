/** ZIP archives: what sound ones have in them, by other programs too, and that each trick is refused by its code. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { crc32, deflateRawSync } from "node:zlib";
import { CupelError, createRandom, openTemporaryFolder, silentProgress } from "@cupel/base";
import { readDirectory } from "../../src/archive/directory.ts";
import { locateEntries } from "../../src/archive/local-headers.ts";
import { type ArchiveOptions, type Manifest, readArchive, readManifest } from "../../src/index.ts";
import { drawFolder, writeEntries } from "../support/model-folder.ts";
import {
  descriptor,
  extraField,
  type Header,
  u32,
  u64,
  type ZipEnd,
  type ZipEntry,
  zipBytes,
} from "../support/zip-bytes.ts";

const bytes = (text: string) => Buffer.from(text);
const streamed = 1 << 3;
const utf8 = 1 << 11;

async function manifestOf(archive: Buffer, options?: ArchiveOptions): Promise<Manifest> {
  await using folder = await openTemporaryFolder("attest");
  const path = join(folder.path, "model.zip");
  await writeFile(path, archive);
  return await readArchive(path, options);
}

/** As the zip64 field has them: content and packed data. */
const wideSizes = ({ size, packedSize }: { size: number; packedSize: number }) => ({
  size: 0xffffffff,
  packedSize: 0xffffffff,
  extra: extraField(1, Buffer.concat([u64(size), u64(packedSize)])),
});

const abc = bytes("abc");
const text = bytes("weights ".repeat(2000));
const packed = deflateRawSync(text);
/** Several buffers of the unpacker, in pieces of no even size. */
const large = Buffer.from(Array.from({ length: 1_000_003 }, (_, i) => (i * i) >>> (i % 13)));
const inBehind = { crc: 0, size: 0, packedSize: 0 };
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

type Case = readonly [code: string, says: RegExp, entries: readonly ZipEntry[], end?: ZipEnd];
const one = (entry: Partial<ZipEntry>): readonly ZipEntry[] => [{ name: "file", content: abc, ...entry }];
const named = (name: string | Buffer) => one({ name, flags: utf8 });
const local = (header: Partial<Header>) => one({ local: header });
const deflated = (entry: Partial<ZipEntry>) => one({ content: text, deflate: true, ...entry });
const said = (size: number) => ({ both: { size } });

const hostile: Readonly<Record<string, Case>> = {
  "path upwards": ["ARCHIVE_PATH_REFUSED", /name "\.\."/, named("../evil")],
  "path upwards inside": ["ARCHIVE_PATH_REFUSED", /name "\.\."/, named("a/../../evil")],
  "absolute path": ["ARCHIVE_PATH_REFUSED", /empty name/, named("/etc/passwd")],
  "path with a drive": ["ARCHIVE_PATH_REFUSED", /drive/, named("C:evil")],
  "path with backslashes": ["ARCHIVE_PATH_REFUSED", /backslash/, named("..\\evil")],
  "name with a NUL": ["ARCHIVE_PATH_REFUSED", /control/, named("model.onnx\0.txt")],
  "no name": ["ARCHIVE_PATH_REFUSED", /empty name/, named("")],
  "folder that is the root": [
    "ARCHIVE_PATH_REFUSED",
    /empty name/,
    one({ name: "/", content: bytes(""), mode: 0 }),
  ],
  "name that is not UTF-8": ["ARCHIVE_PATH_REFUSED", /not UTF-8/, named(Buffer.of(0x61, 0xff))],
  "name of an unknown code page": ["ARCHIVE_PATH_REFUSED", /code page/, one({ name: "é" })],
  "second name": [
    "ARCHIVE_PATH_REFUSED",
    /second name/,
    one({ both: { extra: extraField(0x7075, Buffer.concat([bytes("\x01"), u32(0), bytes("evil")])) } }),
  ],
  "second name beside the data": [
    "ARCHIVE_HEADERS_DIFFER",
    /second name/,
    local({ extra: extraField(0x7075, Buffer.concat([bytes("\x01"), u32(0), bytes("evil")])) }),
  ],
  "name twice": ["ARCHIVE_NAME_DUPLICATE", /twice/, [...one({}), ...one({ content: text })]],
  "file and folder of one name": [
    "ARCHIVE_NAME_DUPLICATE",
    /twice/,
    [...one({}), ...one({ name: "file/", content: bytes(""), mode: 0 })],
  ],
  "file with a file in it": [
    "ARCHIVE_NAME_DUPLICATE",
    /as in a folder/,
    [...one({}), ...one({ name: "file/x" })],
  ],
  "names that differ by case": ["NAME_COLLISION", /differ by case/, [...one({}), ...one({ name: "FILE" })]],
  link: ["ARCHIVE_LINK_REFUSED", /symbolic link/, one({ mode: 0o120777 })],
  "link that is said to be of DOS": [
    "ARCHIVE_LINK_REFUSED",
    /symbolic link/,
    one({ mode: 0o120777, host: 0 }),
  ],
  device: ["ENTRY_REFUSED", /by its mode/, one({ mode: 0o020644 })],
  "folder without a slash": ["ENTRY_REFUSED", /by its mode/, one({ mode: 0o040755 })],
  "folder by its attributes": ["ENTRY_REFUSED", /by its attributes/, one({ mode: 0, dosAttributes: 0x10 })],
  "file that runs as its owner": ["ENTRY_REFUSED", /its owner/, one({ mode: 0o104755 })],
  "folder with content": ["ARCHIVE_SIZE_WRONG", /folder with content/, one({ name: "d/", mode: 0 })],
  "stored size": ["ARCHIVE_SIZE_WRONG", /4 bytes in 3/, one({ both: { size: 4 } })],
  "size too small": ["ARCHIVE_SIZE_WRONG", /has more where/, deflated(said(text.length - 1))],
  "size too large": ["ARCHIVE_SIZE_WRONG", /has 16000 bytes where/, deflated(said(text.length + 1))],
  "bytes behind packed data": [
    "ARCHIVE_SIZE_WRONG",
    /packed bytes in use/,
    deflated({ packed: Buffer.concat([packed, bytes("more")]) }),
  ],
  checksum: ["ARCHIVE_DATA_INVALID", /checksum/, one({ both: { crc: 1 } })],
  "packed data cut off": [
    "ARCHIVE_SIZE_WRONG|ARCHIVE_DATA_INVALID",
    /where its size|unpack/,
    deflated({ packed: packed.subarray(0, -3) }),
  ],
  "packed data that are none": [
    "ARCHIVE_DATA_INVALID",
    /does not unpack/,
    deflated({ packed: Buffer.alloc(50, 0xff) }),
  ],
  "bomb that says what it is": [
    "ARCHIVE_TOO_LARGE",
    /more than 200 times/,
    deflated({ packed: deflateRawSync(Buffer.alloc(1000)), both: { size: 1e9 } }),
  ],
  "bombs of many entries": [
    "ARCHIVE_TOO_LARGE",
    /more than 200 times/,
    Array.from({ length: 100 }, (_, i) => ({ name: `${i}`, deflate: true, both: { size: 1e6 } })),
  ],
  "entries beyond number": [
    "ARCHIVE_TOO_LARGE",
    /more than 100000 entries/,
    one({}),
    {
      wide(record) {
        record.writeUInt32LE(200_000, 24);
        record.writeUInt32LE(200_000, 32);
      },
    },
  ],
  "two entries with one header": [
    "ARCHIVE_OVERLAP",
    /shares bytes/,
    [...one({}), ...one({ name: "other", position: 0 })],
  ],
  "an entry in another's data": [
    "ARCHIVE_OVERLAP",
    /shares bytes/,
    [...one({ content: zipBytes(one({})) }), ...one({ name: "other", position: 34 })],
  ],
  "data that reach into the next": [
    "ARCHIVE_OVERLAP",
    /shares bytes with the one behind/,
    [...one({ both: { size: 10, packedSize: 10 } }), ...one({ name: "other" })],
  ],
  "data that reach into the directory": [
    "ARCHIVE_OVERLAP",
    /with the directory/,
    one({ both: { size: 4, packedSize: 4 } }),
  ],
  "another name beside the data": ["ARCHIVE_HEADERS_DIFFER", /another name/, local({ name: bytes("evil") })],
  "another method": ["ARCHIVE_HEADERS_DIFFER", /method/, local({ method: 8 })],
  "another size": ["ARCHIVE_HEADERS_DIFFER", /size/, local({ size: 2 })],
  "another packed size": ["ARCHIVE_HEADERS_DIFFER", /size/, local({ packedSize: 2 })],
  "another checksum": ["ARCHIVE_HEADERS_DIFFER", /checksum/, local({ crc: 2 })],
  "other flags": ["ARCHIVE_HEADERS_DIFFER", /flags/, local({ flags: streamed })],
  "another descriptor": [
    "ARCHIVE_HEADERS_DIFFER",
    /descriptor/,
    one({
      flags: streamed,
      local: inBehind,
      behind: (header) => descriptor(true, false)({ ...header, size: 4 }),
    }),
  ],
  "no header where it should be": [
    "ARCHIVE_HEADERS_DIFFER",
    /signature/,
    [...one({ before: bytes("x"), position: 0 })],
  ],
  "header beyond the end": ["ARCHIVE_INVALID", /no entry names/, one({ position: 1e6 })],
  "hidden bytes before": ["ARCHIVE_INVALID", /no entry names, from 0 to 6/, one({ before: bytes("hidden") })],
  "hidden bytes between": [
    "ARCHIVE_INVALID",
    /no entry names/,
    [...one({}), ...one({ name: "other", before: zipBytes(one({})).subarray(0, 37) })],
  ],
  "hidden bytes behind": ["ARCHIVE_INVALID", /no entry names/, one({ behind: () => bytes("hidden") })],
  "hidden bytes behind the directory": [
    "ARCHIVE_INVALID",
    /does not end where/,
    one({}),
    { behindDirectory: bytes("x") },
  ],
  "two ends": ["ARCHIVE_INVALID", /two ends/, one({}), { comment: zipBytes(one({})) }],
  "fewer entries than said": [
    "ARCHIVE_INVALID",
    /has 2 entries/,
    one({}),
    { edit: (end) => end.fill(2, 8, 9).fill(2, 10, 11) },
  ],
  "more entries than said": [
    "ARCHIVE_INVALID",
    /has 0 entries/,
    one({}),
    { edit: (end) => end.fill(0, 8, 12) },
  ],
  "extra field beyond its end": [
    "ARCHIVE_INVALID",
    /extra fields/,
    one({ central: { extra: Buffer.of(1, 0, 9, 0, 1) } }),
  ],
  "zip64 field that is missing": ["ARCHIVE_INVALID", /extra fields/, one({ central: { size: 0xffffffff } })],
  "zip64 size beyond all": [
    "ARCHIVE_INVALID",
    /extra fields/,
    one({ central: { size: 0xffffffff, extra: extraField(1, Buffer.alloc(8, 0xff)) } }),
  ],
  "zip64 field twice": [
    "ARCHIVE_INVALID",
    /extra fields/,
    one({
      central: { size: 0xffffffff, extra: Buffer.concat([extraField(1, u64(3)), extraField(1, u64(4))]) },
    }),
  ],
  "zip64 end that the other contradicts": [
    "ARCHIVE_INVALID",
    /contradicts/,
    one({}),
    { wide: "sound", edit: (end) => end.writeUInt16LE(5, 8) },
  ],
  "zip64 end that is elsewhere": [
    "ARCHIVE_INVALID",
    /before its locator/,
    one({}),
    { wide: (_, locator) => locator.writeUInt32LE(0, 8) },
  ],
  "zip64 end that is none": [
    "ARCHIVE_INVALID",
    /that is none/,
    one({}),
    { wide: (record) => record.writeUInt32LE(0, 0) },
  ],
  encrypted: ["ARCHIVE_UNSUPPORTED", /encrypted/, one({ flags: 1 })],
  "method of another time": ["ARCHIVE_UNSUPPORTED", /method 14/, one({ both: { method: 14 } })],
  "part of several": ["ARCHIVE_UNSUPPORTED", /parts/, one({}), { edit: (end) => end.writeUInt16LE(1, 4) }],
  "entry in another part": ["ARCHIVE_UNSUPPORTED", /part/, one({ disk: 1 })],
};

for (const [what, [code, message, entries, end]] of Object.entries(hostile)) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(manifestOf(zipBytes(entries, end)), (thrown) => {
      assert.ok(thrown instanceof CupelError, String(thrown));
      assert.match(thrown.message, message);
      assert.match(thrown.code, new RegExp(`^(${code})$`));
      return true;
    });
  });
}

test("what is no archive", async () => {
  await using folder = await openTemporaryFolder("attest");
  await assert.rejects(readArchive(join(folder.path, "none")), { code: "ARCHIVE_UNREADABLE" });
  await assert.rejects(readArchive(folder.path), { code: "ARCHIVE_UNREADABLE" });
  await assert.rejects(manifestOf(Buffer.alloc(0)), { code: "ARCHIVE_INVALID" });
  await assert.rejects(manifestOf(Buffer.alloc(100)), { code: "ARCHIVE_INVALID" });
  await assert.rejects(manifestOf(Buffer.from("377abcaf271c0004", "hex")), {
    code: "ARCHIVE_UNSUPPORTED",
    message: /7z/,
  });
});

test("a bomb that says less than it is ends at what it said", async () => {
  const zeros = Buffer.alloc(5e6);
  const bomb = zipBytes([
    { name: "bomb", packed: deflateRawSync(zeros), deflate: true, both: { size: 1000, crc: crc32(zeros) } },
  ]);
  let advanced = 0;
  const bar = {
    advance(count = 1) {
      advanced += count;
    },
    note() {},
    [Symbol.dispose]() {},
  };
  await assert.rejects(manifestOf(bomb, { progress: { start: () => bar } }), { code: "ARCHIVE_SIZE_WRONG" });
  assert.equal(advanced, 0);
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
