/** Keys of subjects: made once, lasting when they say so, renewed with the provider's, and gone when erased. */
import assert from "node:assert/strict";
import { copyFile, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { openSubjectKeyReader } from "../../src/keys/key-reader.ts";
import { RECORD_BYTES } from "../../src/keys/key-record.ts";
import { createLocalKeys } from "../../src/keys/local-keys.ts";
import { keyRow, openTestKeys, provider } from "../support/keys.ts";

const opened = () => openTemporaryFolder("subjects");

async function everyByte(folder: string): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((each) => each.isFile());
  return Buffer.concat(await Promise.all(files.map((each) => readFile(join(each.parentPath, each.name)))));
}

test("a subject keeps its key over openings; each has its own; no file names one", async () => {
  await using folder = await opened();
  const subjects = ["alice@example.com", "13800138000", "", "constructor", "__proto__", "名"];
  let ids: string[];
  {
    await using keys = await openTestKeys(folder.path);
    ids = subjects.map((each) => keys.keyOf(each).id);
    assert.deepEqual(
      ids,
      subjects.map((each) => keys.keyOf(each).id),
    );
    assert.equal(new Set(ids).size, subjects.length);
    await keys.settled();
    const size = (await readFile(join(folder.path, "subjects"))).length;
    assert.equal(size, subjects.length * RECORD_BYTES);
  }
  await using keys = await openTestKeys(folder.path);
  assert.deepEqual(
    subjects.map((each) => keys.keyOf(each).id),
    ids,
  );
  const bytes = await everyByte(folder.path);
  for (const subject of subjects.filter((each) => each !== "")) assert.ok(!bytes.includes(subject), subject);
  for (const id of ids) {
    const key = keys.find(id);
    assert.ok(typeof key === "object" && !bytes.includes(key.key) && !bytes.includes(key.salt));
  }
});

test("memory is bounded: a subject that is no longer held is read again", async () => {
  await using folder = await opened();
  await using keys = await openTestKeys(folder.path, { inMemory: 4 });
  const ids = Array.from({ length: 50 }, (_, i) => keys.keyOf(`u${i}`).id);
  assert.deepEqual(
    ids,
    Array.from({ length: 50 }, (_, i) => keys.keyOf(`u${i}`).id),
    "before they settle",
  );
  await keys.settled();
  assert.deepEqual(
    ids,
    Array.from({ length: 50 }, (_, i) => keys.keyOf(`u${i}`).id),
  );
});

test("a second owner is refused", async () => {
  await using folder = await opened();
  await using _keys = await openTestKeys(folder.path);
  await assert.rejects(openTestKeys(folder.path), { code: "FILE_LOCKED" });
});

test("with a new key of the provider a subject gets a new one with the same salt; old ones are read", async () => {
  await using folder = await opened();
  const [old, current] = [keyRow("old"), keyRow("new")];
  let before: { readonly id: string; readonly salt: Buffer };
  {
    await using keys = await openTestKeys(folder.path, { provider: createLocalKeys("it", old) });
    const { id, salt } = keys.keyOf("alice");
    before = { id, salt: Buffer.from(salt) };
  }
  await using keys = await openTestKeys(folder.path, {
    provider: createLocalKeys("it", `${current}\n${old}`),
  });
  const after = keys.keyOf("alice");
  assert.notEqual(after.id, before.id);
  assert.deepEqual(after.salt, before.salt);
  const read = keys.find(before.id);
  assert.ok(typeof read === "object" && !read.key.equals(after.key));
  const erasure = await keys.erase("alice");
  assert.equal(erasure.keys, 2, "both are destroyed");
  assert.equal(keys.find(before.id), "erased");
  assert.equal(keys.find(after.id), "erased");
});

test("without the key that it was made with, or with another of that id, nothing opens", async () => {
  await using folder = await opened();
  await (await openTestKeys(folder.path))[Symbol.asyncDispose]();
  for (const rows of [keyRow("2026-11"), keyRow("2026-12")]) {
    const other = createLocalKeys("it", rows);
    await assert.rejects(openTestKeys(folder.path, { provider: other }), { code: "MASKING_KEY_INVALID" });
  }
  await (await openTestKeys(folder.path))[Symbol.asyncDispose]();
});

test("erased is erased: in memory, in the file, after an opening, and twice", async () => {
  await using folder = await opened();
  await using copy = await opened();
  let id: string;
  let other: string;
  {
    await using keys = await openTestKeys(folder.path);
    const key = keys.keyOf("alice");
    id = key.id;
    other = keys.keyOf("bob").id;
    const salt = Buffer.from(key.salt);
    await keys.settled();
    await copyFile(join(folder.path, "subjects"), join(copy.path, "subjects"));
    const wrapped = (await readFile(join(folder.path, "subjects"))).subarray(12, RECORD_BYTES - 4);
    assert.deepEqual(await keys.erase("alice"), { keys: 1, copies: [], isComplete: true });
    assert.ok(
      key.key.every((byte) => byte === 0),
      "what was in memory is gone",
    );
    const bytes = await everyByte(folder.path);
    for (let at = 0; at + 8 <= wrapped.length; at += 8) {
      const part = wrapped.subarray(at, at + 8);
      // The generation and the first part of the IV are no secret and stand in every record.
      if (at >= 8 && at !== 24 && part.some((byte) => byte !== 0))
        assert.ok(!bytes.includes(part), `bytes at ${at}`);
    }
    assert.equal(keys.find(id), "erased");
    assert.equal(typeof keys.find(other), "object");
    assert.deepEqual(await keys.erase("alice"), { keys: 0, copies: [], isComplete: true });
    assert.deepEqual(await keys.erase("never seen"), { keys: 0, copies: [], isComplete: true });
    const again = keys.keyOf("alice");
    assert.notEqual(again.id, id);
    assert.ok(!again.salt.equals(salt), "nothing links it to who it was");
  }
  await using keys = await openTestKeys(folder.path);
  assert.equal(keys.find(id), "erased");
  assert.equal(typeof keys.find(other), "object");
  await keys[Symbol.asyncDispose]();

  // Put back from a backup, the file has the key again: the next opening destroys it.
  await copyFile(join(copy.path, "subjects"), join(folder.path, "subjects"));
  await using restored = await openTestKeys(folder.path);
  assert.equal(restored.find(id), "erased");
});

test("copies that are named are reached; one that is not keeps the erasure open until it is", async () => {
  await using folder = await opened();
  await using backup = await opened();
  const [copies, packed, absent] = ["copies", "packed", "absent"].map((name) => join(backup.path, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(join(copies, "monday"), { recursive: true });
  await mkdir(packed);
  let id: string;
  const original = join(folder.path, "subjects");
  {
    await using keys = await openTestKeys(folder.path);
    keys.keyOf("bob");
    await keys.settled();
    // Older than the subject: it has no record of it.
    await copyFile(original, join(copies, "subjects.old"));
    id = keys.keyOf("alice").id;
    await keys.settled();
    await copyFile(original, join(copies, "monday", "subjects"));
    await writeFile(join(packed, "subjects.gz"), "packed");
  }
  const record = (await readFile(original)).subarray(RECORD_BYTES + 12, 2 * RECORD_BYTES - 4);
  {
    await using keys = await openTestKeys(folder.path, { copies: [copies, packed, absent] });
    const erasure = await keys.erase("alice");
    assert.equal(erasure.isComplete, false);
    assert.deepEqual(
      erasure.copies.map(({ path, state }) => [path.slice(backup.path.length + 1), state]).sort(),
      [
        ["absent", "unreached"],
        [join("copies", "monday", "subjects"), "clean"],
        [join("copies", "subjects.old"), "clean"],
        [join("packed", "subjects.gz"), "unreached"],
      ],
    );
    assert.equal(keys.find(id), "erased", "here it is");
  }
  assert.ok(!(await everyByte(copies)).includes(record));
  assert.equal((await readFile(join(copies, "subjects.old"))).length, RECORD_BYTES, "nothing is added");
  await rm(join(packed, "subjects.gz"));
  await mkdir(absent);
  await using keys = await openTestKeys(folder.path, { copies: [copies, packed, absent] });
  assert.equal((await keys.erase("nobody")).isComplete, true);
});

test("a file that ends within a record, or has a damaged one, opens; what is readable stays so", async () => {
  await using folder = await opened();
  const path = join(folder.path, "subjects");
  let ids: string[];
  {
    await using keys = await openTestKeys(folder.path);
    ids = ["a", "b", "c"].map((each) => keys.keyOf(each).id);
  }
  await truncate(path, 3 * RECORD_BYTES - 10);
  const bytes = await readFile(path);
  bytes[RECORD_BYTES + 70]! ^= 1;
  await writeFile(path, bytes);
  await using keys = await openTestKeys(folder.path);
  assert.deepEqual(keys.counts, { live: 1, unreadable: 1 });
  assert.equal(keys.keyOf("a").id, ids[0]);
  assert.deepEqual(
    ids.slice(1).map((id) => keys.find(id)),
    ["unknown", "unknown"],
    "which is not erased",
  );
  for (const id of ["", "nonsense", "A".repeat(16), "_".repeat(16)]) assert.equal(keys.find(id), "unknown");
});

test("what was not written is written again", async () => {
  await using folder = await opened();
  const { openDurableFile } = await import("../../src/keys/durable-file.ts");
  let failures = 0;
  const openFile: typeof openDurableFile = async (path) => {
    const file = await openDurableFile(path);
    return {
      ...file,
      size: () => file.size(),
      async sync() {
        if (path.endsWith("subjects") && failures-- > 0) throw new Error("no space");
        await file.sync();
      },
    };
  };
  let id: string;
  {
    await using keys = await openTestKeys(folder.path, { openFile });
    id = keys.keyOf("alice").id;
    failures = 2;
    await assert.rejects(keys.settled(), /no space/);
    await assert.rejects(keys.settled(), /no space/);
    assert.equal(typeof keys.find(id), "object");
    await keys.settled();
  }
  await using keys = await openTestKeys(folder.path);
  assert.equal(keys.keyOf("alice").id, id);
});

test("a reader reads beside the owner, and sees an erasure at once", async () => {
  await using folder = await opened();
  await using keys = await openTestKeys(folder.path);
  const { id } = keys.keyOf("alice");
  await keys.settled();
  using reader = await openSubjectKeyReader(folder.path, provider);
  const read = reader.find(id);
  assert.ok(typeof read === "object" && read.key.equals(keys.keyOf("alice").key));
  const later = keys.keyOf("bob").id;
  assert.equal(reader.find(later), "unknown");
  await keys.settled();
  assert.equal(typeof reader.find(later), "object");
  await keys.erase("alice");
  assert.equal(reader.find(id), "erased");
});

test("journal and generations that make no sense are refused by name", async () => {
  await using folder = await opened();
  {
    await using keys = await openTestKeys(folder.path);
    keys.keyOf("a");
    await keys.erase("a");
  }
  const journal = join(folder.path, "erasures.jsonl");
  const lines = await readFile(journal, "utf8");
  await writeFile(journal, `${lines}{"begin":9,"rec`);
  await (await openTestKeys(folder.path))[Symbol.asyncDispose]();
  await writeFile(journal, `nonsense\n${lines}`);
  await assert.rejects(openTestKeys(folder.path), { code: "SUBJECT_KEYS_DAMAGED", message: /Line 1/ });
  await writeFile(journal, lines);
  for (const text of ["", "{}", "[]", '{"version":2}']) {
    await writeFile(join(folder.path, "generations.json"), text);
    await assert.rejects(openTestKeys(folder.path), { code: "SUBJECT_KEYS_DAMAGED" });
  }
});
