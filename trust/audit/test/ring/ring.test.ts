/** The ring: what is written is read as a whole or counted as lost, whatever the reader and the writers do meanwhile. */
import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { createRing, HEAD, type RingHandle, TAIL } from "../../src/ring/ring-layout.ts";
import { RingReader, type RuntimeEntry } from "../../src/ring/ring-reader.ts";
import { RingWriter } from "../../src/ring/ring-writer.ts";
import { assertWhole, writeChecked } from "./checked-entries.ts";

const KIB = 1024;

/** What a drain gives, in order. A number is how many were lost there. */
function drained(reader: RingReader): (RuntimeEntry | number)[] {
  const all: (RuntimeEntry | number)[] = [];
  reader.drain({ entry: (entry) => all.push(entry), overwritten: (count) => all.push(count) });
  return all;
}

test("entries come back as they were written, in order, over many times the length of the ring", () => {
  const ring = createRing("main", 16 * KIB);
  const writer = new RingWriter(ring);
  const reader = new RingReader(ring);
  let next = 0;
  for (let i = 0; i < 20_000; i++) {
    writeChecked(writer, i);
    // Runs of all lengths, so that entries end at each place before the end of the memory.
    if (i % 37 !== 0) continue;
    for (const entry of drained(reader)) {
      assert.ok(typeof entry === "object");
      assert.equal(assertWhole(entry), next++);
    }
    assert.deepEqual(drained(reader), []);
  }
  assert.equal(writer.overwritten, 0);
});

test("what nobody reads is overwritten from the oldest on, and its count stands where it was", () => {
  const ring = createRing("main", 16 * KIB);
  const writer = new RingWriter(ring);
  const reader = new RingReader(ring);
  writeChecked(writer, 0);
  assert.equal(drained(reader).length, 1);
  for (let i = 1; i <= 5000; i++) writeChecked(writer, i);
  const [lost, ...entries] = drained(reader);
  assert.equal(lost, writer.overwritten);
  assert.equal(writer.written, 5001);
  assert.equal(entries.length, 5000 - writer.overwritten);
  // 16 KiB hold more than 80 of the longest of these, about 200 bytes.
  assert.ok(entries.length > 80);
  let next = 1 + writer.overwritten;
  for (const entry of entries) assert.equal(typeof entry === "object" && assertWhole(entry), next++);
  assert.equal(reader.consumed + reader.overwritten, writer.written);
});

test("the positions of a ring overflow without a trace", () => {
  for (const almost of [2 ** 31 - 2048, -2048]) {
    const ring = createRing("main", 16 * KIB);
    // To write as much as that would take half a minute.
    const words = new Int32Array(ring.memory);
    words[HEAD] = almost;
    words[TAIL] = almost;
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    let next = 0;
    for (let i = 0; i <= 3000; i++) {
      writeChecked(writer, i);
      // Some are read and some overwritten on either side.
      if (i < 3000 && i % (i % 1000 < 500 ? 11 : 250) !== 0) continue;
      for (const entry of drained(reader)) {
        if (typeof entry === "number") next += entry;
        else assert.equal(assertWhole(entry), next++);
      }
    }
    assert.ok(writer.overwritten > 0);
    assert.equal(reader.overwritten, writer.overwritten);
    assert.equal(reader.consumed + reader.overwritten, next);
  }
});

test("a text that is too long is cut between two characters, and named", () => {
  const ring = createRing("main", 16 * KIB);
  const writer = new RingWriter(ring);
  const reader = new RingReader(ring);
  writer.write("http.client.request", [1], ["GET", "h".repeat(512), `/${"数".repeat(300)}`]);
  writer.write("http.client.request", [2], ["GET", "h".repeat(513), "/\ud800"]);
  const [first, second] = drained(reader);
  assert.ok(typeof first === "object" && typeof second === "object");
  assert.deepEqual(first.texts, ["GET", "h".repeat(512), `/${"数".repeat(170)}`]);
  assert.deepEqual(first.truncated, ["path"]);
  assert.deepEqual(second.texts, ["GET", "h".repeat(512), "/\ufffd"]);
  assert.deepEqual(second.truncated, ["host"]);
});

test("a ring has a size that fits, and one writer", () => {
  for (const bytes of [0, 16 * KIB - 1, 8 * KIB, 20_000, 2 ** 31, Number.NaN]) {
    assert.throws(() => createRing("main", bytes), { code: "OPTION_INVALID" });
  }
  const ring = createRing("main", 16 * KIB);
  using writer = new RingWriter(ring);
  assert.throws(() => new RingWriter(ring), { code: "OPTION_INVALID", message: /"main" has a writer/ });
  writer[Symbol.dispose]();
  assert.throws(() => new RingWriter(ring), { code: "OPTION_INVALID" });
});

interface Done {
  readonly written: number;
  readonly overwritten: number;
}

async function writeInThread(ring: RingHandle, count: number, pauseEvery: number): Promise<Done> {
  const worker = new Worker(new URL("./writing-thread.ts", import.meta.url), {
    workerData: { ring, count, pauseEvery },
  });
  const [[done]] = await Promise.all([once(worker, "message"), once(worker, "exit")]);
  return done;
}

test("several threads write while one reads, slower than they do: nothing is torn, and each entry is read or counted", async () => {
  const count = 200_000;
  const rings = ["fast", "fast too", "slow"].map((name) => createRing(name, 16 * KIB));
  const readers = rings.map((ring) => new RingReader(ring));
  const last = readers.map(() => -1);
  const look = () => {
    readers.forEach((reader, at) => {
      for (const each of drained(reader)) {
        if (typeof each === "number") last[at]! += each;
        else assert.equal(assertWhole(each), ++last[at]!);
      }
    });
  };
  let isDone = false;
  const writing = Promise.all(
    rings.map((ring, at) => writeInThread(ring, count, at === 2 ? 5000 : 0)),
  ).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    look();
    await turn();
  }
  look();
  const told = await writing;
  told.forEach(({ written, overwritten }, at) => {
    const reader = readers[at]!;
    assert.equal(written, count);
    assert.equal(reader.overwritten, overwritten);
    assert.equal(reader.consumed + overwritten, count);
    assert.equal(last[at], count - 1);
    assert.ok(reader.isClosed);
  });
  // Else the test has shown nothing: entries were both read and overwritten.
  assert.ok(told.some(({ overwritten }) => overwritten > 0));
  assert.ok(readers.some(({ consumed }) => consumed > 1000));
});
