import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModel, Tensor } from "@cupel/onnx";
import { measureMemory } from "@cupel/runtime";
import { parseProcStatus } from "../src/memory/proc-status.ts";
import { failureOf } from "./errors-of.ts";
import { matrixModel } from "./tiny-models.ts";

const mebibyte = 2 ** 20;

test("the memory lines of /proc/<pid>/status are read in bytes", () => {
  const status =
    "Name:\tnode\nVmPeak:\t 1123456 kB\nVmHWM:\t   48000 kB\nVmRSS:\t   47000 kB\nRssAnon:\t   12000 kB\n";
  assert.deepEqual(parseProcStatus(status), { peakResident: 48_000 * 1024, anonymous: 12_000 * 1024 });
  assert.deepEqual(parseProcStatus("Name:\tnode\n"), { peakResident: null, anonymous: null });
});

test("the weights of a model are in the figures above the bare process", async () => {
  const weights = Tensor.float32([1024, 16 * 1024], new Float32Array(16 * mebibyte).fill(0.5));
  const report = await measureMemory(encodeModel(matrixModel(weights)), { runs: 2, repeats: 1, threads: 1 });
  assert.ok(report.wholeProcess !== null && report.bareProcess !== null, "every system tells its peak");
  assert.ok(report.bareProcess > 20 * mebibyte && report.bareProcess < report.wholeProcess);
  assert.equal(report.aboveBare, report.wholeProcess - report.bareProcess);
  assert.ok(report.aboveBare > 64 * mebibyte, `64 MiB of weights, ${report.aboveBare} above bare`);
  assert.ok(report.aboveEngine! > 60 * mebibyte && report.aboveEngine! <= report.aboveBare);
  if (process.platform === "linux") assert.ok(report.anonymous! > 60 * mebibyte);
  else assert.equal(report.anonymous, null);
});

test("a model that the child cannot load is the error it would be here", async () => {
  const failure = await failureOf(measureMemory(Uint8Array.of(1, 2, 3), { repeats: 1 }));
  assert.match(failure.code, /^MODEL_/);
});

test("measuring memory can be cancelled", async () => {
  const abort = new AbortController();
  const weights = Tensor.float32([1024, 512], new Float32Array(1024 * 512));
  setTimeout(() => abort.abort(), 50);
  const measuring = measureMemory(encodeModel(matrixModel(weights)), { repeats: 50, signal: abort.signal });
  assert.equal((await failureOf(measuring)).code, "CANCELLED");
});
