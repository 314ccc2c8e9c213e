/** `--profile DIR`: the work of a command under the profilers, told as a page, a trace and the slowest nodes. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { cupel, filesUnder, prepared, type Scratch, scratch } from "./harness.ts";

interface Row {
  readonly command: string;
  /** The command line, without --profile. */
  words(folder: Scratch, files: Awaited<ReturnType<typeof prepared>>): readonly string[];
  /** Tracks of the trace that the work must have, each once: a number behind the name of a further session is cut off. */
  readonly sessions: readonly string[];
  /** Of all names together, at least. */
  readonly count: number;
}

const table: readonly Row[] = [
  {
    command: "eval",
    words: (_, { model, images, labels }) => ["eval", model, "--images", images, "--labels", labels],
    sessions: ["session model.onnx"],
    count: 1,
  },
  {
    command: "eval --compare",
    words: (_, { model, images, labels }) => [
      ...["eval", model, "--images", images, "--labels", labels],
      ...["--compare", model],
    ],
    sessions: ["session model.onnx"],
    count: 2,
  },
  {
    command: "bench-model",
    words: (_, { model }) => ["bench-model", model, "--runs", "3"],
    sessions: ["session model.onnx"],
    count: 1,
  },
  {
    command: "compress",
    words: (folder, { model, images }) => [
      ...["compress", model, "--images", images, "-o", folder.at("small.onnx")],
      ...["--calibration-images", "8", "--bits", "mixed", "--max-bytes", "6kB"],
    ],
    // Calibration, the probes and candidates of the search, and the report's two sides of layers and of accuracy.
    sessions: ["session model", "session model.onnx", "session small.onnx"],
    count: 8,
  },
];

for (const { command, words, sessions, count } of table) {
  test(`${command} writes a flame graph and a trace of its sessions, and names the slowest nodes`, async () => {
    await using folder = await scratch();
    const line = words(folder, await prepared(folder));
    const told = await cupel(...line, "--threads", "1", "--json", "--profile", folder.at("profile"));
    assert.equal(told.status, 0, told.err);
    const { profile } = JSON.parse(told.out);
    assert.match(await readFile(profile.flameGraph, "utf8"), /^<!doctype html>/i);
    assert.deepEqual(await filesUnder(folder.at("profile")), ["flame-graph.html", "trace.json"]);
    // Which node is the slowest depends on what else the machine does.
    assert.match(profile.slowest[0], /^\w+.*: [\d.]+ % of the run, [\d.]+ ms per run/);
    assert.ok(
      profile.slowest.some((sentence: string) => /conv/i.test(sentence)),
      profile.slowest.join("\n"),
    );
    const trace: { traceEvents: { name: string; args?: { name?: string } }[] } = JSON.parse(
      await readFile(profile.trace, "utf8"),
    );
    const tracks = trace.traceEvents
      .filter(({ name }) => name === "thread_name")
      .map(({ args }) => args?.name ?? "");
    const opened = tracks.filter((track) => track.startsWith("session "));
    assert.deepEqual([...new Set(opened.map((track) => track.replace(/ \d+$/, "")))].sort(), sessions);
    assert.ok(opened.length >= count, `${opened}`);
  });
}

test("without --profile, and where its folder cannot be written, the result says so", async () => {
  await using folder = await scratch();
  const { model } = await prepared(folder);
  const plain = await cupel("bench-model", model, "--runs", "1", "--json");
  assert.equal(JSON.parse(plain.out).profile, null);
  const refused = await cupel("bench-model", model, "--runs", "1", "--json", "--profile", model);
  assert.equal(JSON.parse(refused.out).error.code, "WRITE_FAILED", refused.err);
});
