/** Archives that programs could unpack in different ways, or that are none: each trick is refused by its code. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { crc32, deflateRawSync } from "node:zlib";
import { CupelError, openTemporaryFolder } from "@cupel/base";
import { readArchive } from "../../src/index.ts";
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
} from "../support/archive-parts.ts";
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

type Case = readonly [code: string, says: RegExp, entries: readonly ZipEntry[], end?: ZipEnd];
const one = (entry: Partial<ZipEntry>): readonly ZipEntry[] => [{ name: "file", content: abc, ...entry }];
const named = (name: string | Buffer) => one({ name, flags: utf8 });
const local = (header: Partial<Header>) => one({ local: header });
const deflated = (entry: Partial<ZipEntry>) => one({ content: text, deflate: true, ...entry });
const said = (size: number) => ({ both: { size } });
const packedLarge = deflateRawSync(beyondOneCall, { level: 1 });
const deflatedLarge = (entry: Partial<ZipEntry>) =>
  one({ content: beyondOneCall, packed: packedLarge, deflate: true, ...entry });

const hostile: Readonly<Record<string, Case>> = {
  "path upwards": ["ARCHIVE_PATH_REFUSED", /name "\.\."/, named("../evil")],
  "path upwards inside": ["ARCHIVE_PATH_REFUSED", /name "\.\."/, named("a/../../evil")],
  "path deeper than any": ["ARCHIVE_PATH_REFUSED", /longer than 4096 bytes/, named("d/".repeat(30_000))],
  "more folders than entries are read": [
    "ARCHIVE_TOO_LARGE",
    /100000 entries or folders/,
    Array.from({ length: 900 }, (_, i) => ({ name: `${i}${"/d".repeat(120)}` })),
  ],
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
  "large, size too small": [
    "ARCHIVE_SIZE_WRONG",
    /has more where/,
    deflatedLarge(said(beyondOneCall.length - 1)),
  ],
  "large, size too large": [
    "ARCHIVE_SIZE_WRONG",
    new RegExp(`has ${beyondOneCall.length} bytes where`),
    deflatedLarge(said(beyondOneCall.length + 1)),
  ],
  "large, bytes behind packed data": [
    "ARCHIVE_SIZE_WRONG",
    /packed bytes in use/,
    deflatedLarge({ packed: Buffer.concat([packedLarge, bytes("more")]) }),
  ],
  "large, packed data cut off": [
    "ARCHIVE_SIZE_WRONG|ARCHIVE_DATA_INVALID",
    /where its size|unpack/,
    deflatedLarge({ packed: packedLarge.subarray(0, -3) }),
  ],
  "large, packed data that are none": [
    "ARCHIVE_DATA_INVALID",
    /does not unpack/,
    deflatedLarge({ packed: Buffer.alloc(2 ** 20, 0xff) }),
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
