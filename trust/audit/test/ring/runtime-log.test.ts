/** The runtime log: what goes on in a thread stands in its files, and whoever follows them sees all of it. */
import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { Worker } from "node:worker_threads";
import { collectGarbage, openTemporaryFolder } from "@cupel/base";
import { followRuntimeLog } from "../../src/ring/follow-runtime-log.ts";
import { RingCollector } from "../../src/ring/ring-collector.ts";
import { createRing } from "../../src/ring/ring-layout.ts";
import { RingWriter } from "../../src/ring/ring-writer.ts";
import { openRuntimeLog } from "../../src/ring/runtime-log.ts";
import { StreamFiles } from "../../src/ring/stream-files.ts";
import { pathOf } from "../../src/ring/watch/requests.ts";
import { watchRuntime } from "../../src/ring/watch-runtime.ts";

type Line = Readonly<Record<string, unknown>> & { readonly kind: string };

async function linesIn(folder: string): Promise<Line[]> {
  const files = (await readdir(join(folder, "runtime"))).filter((name) => name.endsWith(".jsonl")).sort();
  const texts = await Promise.all(files.map((name) => readFile(join(folder, "runtime", name), "utf8")));
  return texts
    .join("")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

async function serve(listen: (server: http.Server) => Promise<void>): Promise<void> {
  const server = http.createServer((request, response) => {
    response.statusCode = request.method === "POST" ? 201 : 200;
    request.resume().on("end", () => response.end("done"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await listen(server);
  } finally {
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }
}

const addressOf = (server: { address(): AddressInfo | string | null }): string => {
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return `127.0.0.1:${address.port}`;
};

test("collections, the loop, connections and requests of a thread are in the log, without queries and masked", async () => {
  await using folder = await openTemporaryFolder("runtime-log");
  {
    await using log = await openRuntimeLog({ folder: folder.path });
    using _ = watchRuntime(await log.ring("main"), { loopWindowMs: 20 });
    await assert.rejects(openRuntimeLog({ folder: folder.path }), { code: "FILE_LOCKED" });
    const blocked = performance.now() + 100;
    while (performance.now() < blocked);
    collectGarbage();
    // A port that was free a moment ago may be another test's by now; nobody listens at this one, which fetch asks as well.
    const nobody = "127.0.0.1:4";
    await serve(async (server) => {
      const at = addressOf(server);
      await new Promise((resolve) => {
        http
          .request(`http://user:word@${at}/parts/13812345678?token=geheim#x`, { method: "POST" }, (answer) =>
            answer.resume().on("end", resolve),
          )
          .end();
      });
      await (await fetch(`http://${at}/fetched?token=geheim`)).text();
    });
    await new Promise((resolve) => http.get(`http://${nobody}/none`).on("error", resolve));
    await fetch(`http://${nobody}/none`).catch(() => {});
    const plain = http2.createServer((_, response) => void response.end("done"));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const client = http2.connect(`http://${addressOf(plain)}`);
    await new Promise((resolve) => client.request({ ":path": "/streamed?x" }).resume().on("close", resolve));
    await new Promise<void>((resolve) => client.close(resolve));
    await new Promise((resolve) => plain.close(resolve));
    // The runtime tells of a collection in a task of its own, and of the loop each 20 ms.
    const kinds = async () => {
      await log.drain();
      return new Set((await linesIn(folder.path)).map(({ kind }) => kind));
    };
    for (let found = await kinds(); !(found.has("gc") && found.has("loop")); found = await kinds());
  }
  const lines = await linesIn(folder.path);
  const text = JSON.stringify(lines);
  for (const secret of ["geheim", "word@", "13812345678", "127.0.0.1"]) {
    assert.ok(!text.includes(secret), secret);
  }
  assert.equal(lines[0]?.kind, "about");
  assert.match(String(lines[0]?.notice), /^This is no audit log: /);
  const entries = lines.slice(1, -1);
  assert.deepEqual(
    entries.map(({ thread, seq }) => [thread, seq]),
    entries.map((_, seq) => ["main", seq]),
  );
  assert.deepEqual(
    { ...lines.at(-1), time: "" },
    {
      kind: "end",
      time: "",
      consumed: entries.length,
      overwritten: 0,
      unwritten: 0,
    },
  );
  const of = (kind: string) => entries.filter((line) => line.kind === kind);
  assert.ok(of("gc").some(({ collection, durationMs }) => collection === "major" && Number(durationMs) > 0));
  assert.ok(
    of("loop").every(({ windowMs, utilization }) => Number(windowMs) > 0 && Number(utilization) <= 1),
  );
  // A look each 20 ms was at most as long ago when the loop was blocked for 100.
  assert.ok(of("loop").some(({ maxMs }) => Number(maxMs) >= 79));
  const [posted] = of("http.client.request");
  assert.equal(posted?.method, "POST");
  assert.equal(posted?.path, "/parts/138******78");
  assert.equal(of("http.client.response").find(({ id }) => id === posted?.id)?.status, 201);
  assert.deepEqual(
    of("http.client.error").map(({ code }) => code),
    ["ECONNREFUSED"],
  );
  assert.deepEqual(
    of("http.server.request").map(({ method, path }) => [method, path]),
    [
      ["POST", "/parts/138******78"],
      ["GET", "/fetched"],
    ],
  );
  assert.deepEqual(
    of("http.server.response").map(({ status }) => status),
    [201, 200],
  );
  assert.deepEqual(
    of("undici.request").map(({ path }) => path),
    ["/fetched", "/none"],
  );
  assert.deepEqual(
    of("undici.response").map(({ status }) => status),
    [200],
  );
  assert.equal(of("undici.error").length, 1);
  assert.deepEqual(
    of("http2.server.request").map(({ path }) => path),
    ["/streamed"],
  );
  assert.deepEqual(
    of("http2.server.response").map(({ status }) => status),
    [200],
  );
  // Two answered over HTTP/1 and one over HTTP/2; two were refused and never connected.
  assert.equal(of("net.client.connect").length, 3);
  assert.equal(of("net.client.close").length, 5);
  assert.equal(of("net.server.open").length, 3);
  assert.equal(of("net.server.close").length, 3);
  assert.deepEqual(of("watch.failed"), []);
});

test("paths have no query, no fragment, and no host before them", () => {
  for (const [target, path] of [
    ["/a/b?c=d#e", "/a/b"],
    ["/a#e?c", "/a"],
    ["http://user:word@host/a?b", "/a"],
    ["HTTP://host", ""],
    ["*", "*"],
    ["host:443", "host:443"],
    ["", ""],
  ] as const) {
    assert.equal(pathOf(target), path);
  }
});

test("several threads write into one log, each under its name, and rings that are given back end", async () => {
  await using folder = await openTemporaryFolder("runtime-log");
  const count = 3000;
  {
    await using log = await openRuntimeLog({ folder: folder.path, ringBytes: 2 ** 20 });
    const ended = ["one", "two"].map(async (name) => {
      const worker = new Worker(new URL("./writing-thread.ts", import.meta.url), {
        workerData: { ring: await log.ring(name), count, pauseEvery: 0 },
      });
      await new Promise((resolve) => worker.once("exit", resolve));
    });
    await Promise.all(ended);
    assert.deepEqual(await log.drain(), { consumed: 2 * count, overwritten: 0, unwritten: 0, fault: null });
  }
  const lines = await linesIn(folder.path);
  for (const name of ["one", "two"]) {
    const seqs = lines.filter(({ thread }) => thread === name).map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      Array.from({ length: count }, (_, seq) => seq),
    );
  }
});

/** A collector of one ring into files of 4 KiB, drained by hand. */
function handDrained(folder: string, files = 100) {
  const ring = createRing("main", 2 ** 14);
  const stream = new StreamFiles({
    folder: join(folder, "runtime"),
    fileBytes: 4096,
    files,
    heading: (file) => `{"kind":"about","file":${file}}\n`,
  });
  const collector = new RingCollector(stream);
  collector.add(ring);
  return { writer: new RingWriter(ring), collector, stream };
}

test("entries that were overwritten are told where they are missing, and counted", async () => {
  await using folder = await openTemporaryFolder("runtime-log");
  const { writer, collector, stream } = handDrained(folder.path);
  writer.write("gc", [1], ["minor"]);
  collector.drain();
  for (let i = 0; i < 1000; i++) writer.write("gc", [i], ["minor"]);
  collector.end();
  stream[Symbol.dispose]();
  const lines = await linesIn(folder.path);
  const at = lines.findIndex(({ kind }) => kind === "overwritten");
  assert.equal(lines[at]?.count, writer.overwritten);
  assert.equal(lines[at - 1]?.seq, 0);
  assert.equal(lines[at + 1]?.seq, 1 + writer.overwritten);
  assert.deepEqual(
    { ...lines.at(-1), time: "" },
    {
      kind: "end",
      time: "",
      consumed: 1001 - writer.overwritten,
      overwritten: writer.overwritten,
      unwritten: 0,
    },
  );
});

test("lines that cannot be written are counted, and told of once lines can be", () => {
  let left = 1;
  const written: string[] = [];
  const ring = createRing("main", 2 ** 14);
  const collector = new RingCollector({
    write(lines) {
      const taken = lines.slice(0, left);
      written.push(...taken);
      return { lines: taken.length, failure: taken.length < lines.length ? new Error("no space") : null };
    },
  });
  collector.add(ring);
  const writer = new RingWriter(ring);
  for (const room of [1, 0, 2, 100]) {
    left = room;
    for (let i = 0; i < 3; i++) writer.write("gc", [i], ["minor"]);
    collector.drain();
    assert.equal(collector.counts.fault, room === 100 ? null : "no space");
  }
  const kinds = written.map((line) => JSON.parse(line));
  // Of twelve one was written, then none, then one after the line that tells of five, then all.
  assert.deepEqual(
    kinds.map(({ kind, seq, count }) => seq ?? `${count} ${kind}`),
    [0, "5 unwritten", 6, "2 unwritten", 9, 10, 11],
  );
  assert.equal(collector.counts.unwritten, 7);
  assert.equal(collector.counts.consumed, 12);
});

test("whoever follows a log sees each line once, over files that are full, gone or taken away, until he stops", async () => {
  await using folder = await openTemporaryFolder("runtime-log");
  const { writer, collector, stream } = handDrained(folder.path, 3);
  const stop = new AbortController();
  const seen: number[] = [];
  let missed = 0;
  let abouts = 0;
  let next = 0;
  const write = (count: number) => {
    for (let i = 0; i < count; i++) writer.write("gc", [next++], ["minor"]);
    collector.drain();
  };
  await assert.rejects(followRuntimeLog(join(folder.path, "none"), stop).next(), {
    code: "LOG_FILE_MISSING",
  });
  write(30);
  for await (const line of followRuntimeLog(folder.path, { signal: stop.signal, last: 5 })) {
    const { kind, durationMs, files } = JSON.parse(line);
    if (kind === "about") abouts++;
    if (kind === "missed") missed += files;
    if (kind !== "gc") continue;
    seen.push(durationMs);
    // Each time that it has seen all.
    if (durationMs !== next - 1) continue;
    if (next < 300) write(10);
    // More files than are kept.
    else if (next < 900) for (let i = 0; i < 12; i++) write(50);
    else if (next === 900) {
      for (const name of await readdir(join(folder.path, "runtime"))) {
        await rm(join(folder.path, "runtime", name));
      }
      write(20);
    } else stop.abort();
  }
  stream[Symbol.dispose]();
  // The last five of what was there, then all up to the files that were gone.
  assert.deepEqual(
    seen.slice(0, 275),
    Array.from({ length: 275 }, (_, i) => 25 + i),
  );
  assert.ok(missed > 0);
  assert.ok(abouts > 5);
  assert.deepEqual(
    seen.slice(-20),
    Array.from({ length: 20 }, (_, i) => 900 + i),
  );
  assert.deepEqual(
    seen,
    [...new Set(seen)].toSorted((a, b) => a - b),
  );
});

test("a line is seen when it is whole, and what is no log is refused", async () => {
  await using folder = await openTemporaryFolder("runtime-log");
  const { stream } = handDrained(folder.path);
  stream[Symbol.dispose]();
  const path = join(folder.path, "runtime", "000000001.jsonl");
  await writeFile(path, '{"a":1}\n{"b":');
  const stop = new AbortController();
  const lines = followRuntimeLog(folder.path, stop);
  assert.equal((await lines.next()).value, '{"a":1}');
  const second = lines.next();
  await writeFile(path, '{"b":2}\n', { flag: "r+" });
  await writeFile(path, '{"a":1}\n{"b":2}\n');
  assert.equal((await second).value, '{"b":2}');
  const third = lines.next();
  stop.abort();
  assert.deepEqual(await third, { done: true, value: undefined });
  await writeFile(path, "x".repeat(300_000));
  await assert.rejects(followRuntimeLog(folder.path, new AbortController()).next(), { code: "LOG_INVALID" });
});

test("limits that do not fit are refused, and so is a folder that cannot be written", async () => {
  await using folder = await openTemporaryFolder("runtime-log");
  for (const wrong of [{ ringBytes: 1000 }, { fileBytes: 10 }, { files: 0 }, { files: 1.5 }]) {
    await assert.rejects(openRuntimeLog({ folder: folder.path, ...wrong }), { code: "OPTION_INVALID" });
  }
  await writeFile(join(folder.path, "file"), "");
  await assert.rejects(openRuntimeLog({ folder: join(folder.path, "file") }), { code: "WRITE_FAILED" });
});
