/** `--audit` of commands that work once: what the record has of them, and what does not happen without it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { cancellation, silentProgress, systemClock } from "@cupel/base";
import { parseArguments } from "../src/arguments/parse.ts";
import { openRecord } from "../src/audit/open-record.ts";
import { recordOptions } from "../src/audit/record-options.ts";
import { type FinishedWork, recorded } from "../src/audit/recorded.ts";
import type { CommandContext, Outcome } from "../src/commands/command.ts";
import { cupel, prepared, type Scratch, scratch } from "./harness.ts";

interface Line {
  readonly action: string;
  readonly severity: string;
  readonly sub: Readonly<Record<string, string>>;
  readonly obj: Readonly<Record<string, string>>;
  readonly ctx: Readonly<Record<string, string>>;
}

/** Without those of the record itself. */
async function workIn(folder: Scratch): Promise<Line[]> {
  const journal = folder.at("record", "journal");
  const segments = (await readdir(journal)).sort();
  const texts = await Promise.all(segments.map((name) => readFile(join(journal, name), "utf8")));
  const lines: Line[] = texts
    .join("")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  return lines.filter(({ action }) => !action.startsWith("AUDIT."));
}

const sha256 = async (path: string) =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

test("compress, train, predict and eval stand in one record, each with the digests of what it took and made", async () => {
  await using folder = await scratch();
  const { model, images, labels } = await prepared(folder, { count: 20 });
  const record = ["--audit", folder.at("record")];
  const half = folder.at("half.onnx");
  const table = folder.at("table.csv");
  const prepare = ["--preprocessing", "preset=unit,resize=none"];
  const seen = ["--images", images, ...prepare];
  for (const words of [
    ["compress", model, "--bits", "16", "-o", half],
    [
      "train",
      model,
      "--data",
      images,
      "--labels",
      labels,
      "--epochs",
      "1",
      "--batch",
      "10",
      "-o",
      folder.at("tuned.onnx"),
    ],
    ["predict", half, ...seen, "--csv", table, "--audit-compress", "gzip"],
    ["predict", half, ...seen, "--audit-on-trouble", "spill", "--audit-spill", folder.at("spill")],
    ["eval", model, ...seen, "--labels", labels, "--compare", half, "--allow-chance"],
  ]) {
    const told = await cupel(...words, ...record, "--threads", "1");
    assert.equal(told.status, 0, told.err);
  }
  const broken = await cupel("eval", images, ...seen, ...record);
  assert.equal(broken.status, 65);
  const lines = await workIn(folder);
  assert.deepEqual(
    lines.map(({ action, severity }) => `${action} ${severity}`),
    [
      ...["COMPRESS.START INFO", "COMPRESS.FINISH INFO", "TRAIN.START INFO", "TRAIN.FINISH INFO"],
      ...["PREDICT.START INFO", "PREDICT.FINISH INFO", "PREDICT.START INFO", "PREDICT.FINISH INFO"],
      ...["EVAL.START INFO", "EVAL.FINISH INFO", "EVAL.START INFO", "EVAL.FAIL ERROR"],
    ],
  );
  const [started, compressed, , trained, , csv, , printed, , compared, , failed] = lines;
  const of = { model: "model.onnx", digest: await sha256(model) };
  const output = { output: "half.onnx", outputDigest: await sha256(half) };
  assert.deepEqual(started?.obj, of);
  assert.deepEqual(compressed?.obj, { ...of, ...output });
  assert.equal(compressed?.ctx.bytes, String((await readFile(half)).length));
  assert.equal(compressed?.ctx.settings, started?.ctx.settings);
  const data = { data: "set-images-idx3-ubyte", dataDigest: await sha256(images) };
  const labelled = { ...data, labels: "set-labels-idx1-ubyte", labelsDigest: await sha256(labels) };
  assert.deepEqual(trained?.obj, {
    ...of,
    ...labelled,
    output: "tuned.onnx",
    outputDigest: await sha256(folder.at("tuned.onnx")),
  });
  assert.deepEqual(csv?.obj, {
    model: "half.onnx",
    digest: output.outputDigest,
    ...data,
    output: "table.csv",
    outputDigest: await sha256(table),
  });
  assert.equal(printed?.ctx.images, "20");
  assert.deepEqual(compared?.obj, {
    ...of,
    other: "half.onnx",
    otherDigest: output.outputDigest,
    ...labelled,
  });
  assert.equal(compared?.ctx.images, "20");
  assert.equal(failed?.ctx.code, "MODEL_NOT_PROTOBUF");
  for (const { sub, ctx } of lines) {
    assert.equal(sub.kind, "operator");
    // Whoever ran it is a person: a pseudonym.
    assert.match(sub.id ?? "", /^psn1\./);
    assert.ok(ctx.code === undefined || Number(ctx.ms) >= 0);
  }
  const verified = await cupel("audit", "verify", folder.at("record"), "--key", folder.at("record.pub"));
  assert.equal(verified.status, 0, verified.out);
});

test("a folder of images is told by the names and sizes of its files", async () => {
  await using folder = await scratch();
  const { model } = await prepared(folder);
  await folder.write("set/b/2.png", "22");
  await folder.write("set/a.png", "1");
  await cupel("eval", model, "--images", folder.at("set"), "--audit", folder.at("record"));
  const { obj } = (await workIn(folder))[0]!;
  // As `find . -type f -printf '%s  %P\n' | LC_ALL=C sort -k 2 | sha256sum` has it.
  const expected = createHash("sha256").update("1  a.png\n2  b/2.png\n").digest("hex");
  assert.deepEqual([obj.data, obj.dataListing, obj.dataDigest], ["set", expected, undefined]);
});

test("what cannot be recorded does not begin", async () => {
  await using folder = await scratch();
  const { model } = await prepared(folder);
  const out = folder.at("half.onnx");
  const compress = ["compress", model, "--bits", "16", "-o", out, "--audit"];
  await folder.write("file", "");
  const nowhere = await cupel(...compress, folder.at("file", "record"));
  assert.notEqual(nowhere.status, 0);
  assert.match(nowhere.err, /^error [A-Z_]+: /m);
  const place = {
    folder: folder.at("record"),
    keyFile: undefined,
    policy: "block",
    spillFolder: undefined,
  } as const;
  {
    await using _ = await openRecord(place, () => {});
    const second = await cupel(...compress, folder.at("record"));
    assert.equal(second.status, 75);
    assert.match(second.err, /error LOG_IN_USE: /);
  }
  assert.ok(!existsSync(out));
  assert.deepEqual(await workIn(folder), []);
});

/** The work `run`, in the record of the folder. */
function record(folder: Scratch, run: () => Promise<FinishedWork>) {
  const options = Object.values(recordOptions);
  const given = parseArguments(["--audit", folder.at("record")], { operands: [], options });
  const said: string[] = [];
  const heard = Promise.withResolvers<void>();
  const tell = (line: string) => {
    said.push(line);
    if (/another/.test(line)) heard.resolve();
  };
  const context: CommandContext = {
    signal: new AbortController().signal,
    progress: silentProgress,
    clock: systemClock,
    threads: 1,
    seed: 1,
    line: "cupel predict",
    terminal: { input: () => null, isOutInteractive: false, columns: () => 80 },
    remark: tell,
    say: tell,
  };
  const about = async () => ({ object: { model: "m" } });
  return { said, heard: heard.promise, outcome: recorded({ name: "predict", about, run }, given, context) };
}

const plain: FinishedWork = { outcome: { json: {}, text: "done" }, about: async () => ({ object: {} }) };

test("an end that cannot be recorded leaves what was done, and is the error of the command", async () => {
  await using folder = await scratch();
  const { outcome, heard, said } = record(folder, async () => {
    // Another one took the log meanwhile.
    await rm(folder.at("record", "writer.lock"));
    await heard;
    return plain;
  });
  const { failure, text } = (await outcome) as Extract<Outcome, { text: string }>;
  assert.equal(text, "done");
  assert.equal(failure?.spec.exit, 75, said.join("\n"));
  assert.match(said.join("\n"), /is done and whole; that it was done is not in the record/);
});

test("work that is broken off, and a list that nobody reads to its end, are cancelled in the record", async () => {
  await using folder = await scratch();
  const cancelled = record(folder, async () => {
    throw cancellation("The work", undefined);
  });
  await assert.rejects(cancelled.outcome, { code: "CANCELLED" });
  const list = async function* () {
    yield { json: 1, text: "1" };
    yield { json: 2, text: "2" };
  };
  const begin = { json: {}, text: "" };
  const streamed: FinishedWork = {
    outcome: { begin, list: "list", items: list(), end: () => begin },
    about: async () => ({ object: {}, context: { images: "2" } }),
  };
  const outcome = await record(folder, async () => streamed).outcome;
  assert.ok("items" in outcome);
  for await (const _ of outcome.items) break;
  const whole = await record(folder, async () => ({
    ...streamed,
    outcome: { ...outcome, items: list() },
  })).outcome;
  assert.ok("items" in whole);
  const read = [];
  for await (const { json } of whole.items) read.push(json);
  assert.deepEqual(read, [1, 2]);
  assert.deepEqual(
    (await workIn(folder)).map(({ action, ctx }) => `${action} ${ctx.code ?? ""}`),
    [
      ...["PREDICT.START ", "PREDICT.CANCEL CANCELLED", "PREDICT.START ", "PREDICT.CANCEL OK"],
      ...["PREDICT.START ", "PREDICT.FINISH OK"],
    ],
  );
});
