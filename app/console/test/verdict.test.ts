import assert from "node:assert/strict";
import test from "node:test";
import { proportion } from "@cupel/base";
import type { CompressionReport } from "@cupel/report";
import {
  headline,
  intervalSentence,
  ratioPhrase,
  SPEED_WORDS,
  taskFigureText,
  taskValueText,
  verdictSentence,
} from "../pages/report/view/verdict.ts";
import { minimalReport, resNetReport } from "./fixture/reports.ts";

/** Spaces that do not break are for the eye; sentences are compared with plain ones. */
const plain = (text: string) => text.replaceAll("\u00a0", " ");

function reportWith(difference: { value: number; low: number; high: number }): CompressionReport {
  const report = resNetReport();
  assert.ok(report.accuracy);
  const original = { ...report.original, bytes: 23_700_000 };
  const compressed = { ...report.compressed, bytes: 2_750_000 };
  const timeRatio = { value: 10 / 19, low: 0.5, high: 0.6 };
  const top1 = { original: 0.975, compressed: 0.975 + difference.value };
  return { ...report, original, compressed, timeRatio, accuracy: { ...report.accuracy, top1, difference } };
}

test("the verdict names size, speed and accuracy with its interval in one sentence", () => {
  const report = reportWith({ value: -0.004, low: -0.008, high: 0.0001 });
  assert.equal(
    plain(verdictSentence(report)),
    "23.7 MB → 2.8 MB, 8.6 times smaller; 1.9 times faster; accuracy 97.5 % → 97.1 % (−0.4 points, 95 % interval −0.8 … 0.0).",
  );
  assert.equal(plain(headline(report)), "8.6 times smaller, 1.9 times faster, for 0.4 points of accuracy");
});

test("a gain and no change are called what they are", () => {
  assert.match(
    headline(reportWith({ value: 0.006, low: 0.001, high: 0.011 })),
    /with 0\.6 points more accuracy$/,
  );
  assert.match(
    headline(reportWith({ value: 0.006, low: -0.001, high: 0.013 })),
    /with no accuracy lost on 1,800 images$/,
  );
  assert.match(
    headline(reportWith({ value: 0, low: -0.003, high: 0.003 })),
    /with no change in accuracy on 1,800 images$/,
  );
});

test("a loss too small for one decimal is not rounded away", () => {
  assert.match(
    headline(reportWith({ value: -0.0004, low: -0.001, high: 0.0002 })),
    /for 0\.04 points of accuracy$/,
  );
});

test("without labels the verdict speaks of agreement and never of accuracy lost", () => {
  const report = { ...minimalReport(), agreement: proportion(968, 1000) };
  assert.match(
    plain(verdictSentence(report)),
    /same prediction for 96\.8 % of 1,000 images, 95 % interval 95\.5 % … 97\.7 % \(no labels/,
  );
  assert.match(
    plain(headline(minimalReport())),
    /same prediction for all 12 images, 95 % interval 75\.8 % … 100\.0 %$/,
  );
});

test("a ratio says slower when slower and equal within five per cent", () => {
  assert.equal(ratioPhrase(10, 13, SPEED_WORDS), "1.3 times slower");
  assert.equal(ratioPhrase(10, 10.3, SPEED_WORDS), "equally fast");
  assert.equal(ratioPhrase(10, null, SPEED_WORDS), null);
  assert.equal(ratioPhrase(0, 10, SPEED_WORDS), null);
});

test("the interval is read with care", () => {
  const reading = (low: number, high: number) => {
    const { accuracy } = reportWith({ value: (low + high) / 2, low, high });
    assert.ok(accuracy);
    return intervalSentence(accuracy);
  };
  assert.match(reading(-0.01, 0.002), /chance alone could explain/);
  assert.match(reading(-0.01, -0.002), /loss is more than chance/);
  assert.match(reading(0.001, 0.002), /gain is more than chance/);
});

test("a model that got slower says so in the first sentence with what costs it, and one that got faster or is as fast does not", () => {
  const report = reportWith({ value: -0.004, low: -0.008, high: 0.0001 });
  const at = (value: number, operators: readonly string[] | null): CompressionReport => ({
    ...report,
    timeRatio: { value, low: value - 0.1, high: value + 0.1 },
    slowdown: operators && {
      operators: operators.map((operator) => ({ operator, originalMs: 1, compressedMs: 2 })),
      sentence: "Slower.",
    },
  });
  const slower = at(2.1, ["QuantizeLinear", "Conv"]);
  assert.equal(
    headline(slower),
    "8.6 times smaller, but 2.1 times slower because of QuantizeLinear and Conv: for 0.4 points of accuracy",
  );
  assert.match(
    plain(verdictSentence(slower)),
    /^23\.7 MB → 2\.8 MB, 8\.6 times smaller, but 2\.1 times slower because of QuantizeLinear and Conv; accuracy/,
  );
  assert.match(headline(at(1.2, [])), /^8\.6 times smaller, but 1\.2 times slower: for/);
  // Less than what is called equal where the runs leave a doubt.
  assert.match(headline(at(1.14, ["Conv"])), /, but 1\.1 times slower because of Conv: for/);
  assert.match(headline(at(1.12, null)), /^8\.6 times smaller, 1\.1 times slower or equally fast, for/);
  assert.match(headline(at(1.03, null)), /^8\.6 times smaller, equally fast, for/);
  assert.doesNotMatch(headline(at(0.5, null)), /but|slower/);
  // Faster is claimed as slower is: where the runs leave no doubt.
  assert.match(headline(at(0.85, null)), /^8\.6 times smaller, 1\.2 times faster, for/);
  assert.match(headline(at(0.94, null)), /^8\.6 times smaller, 1\.1 times faster or equally fast, for/);
  for (const value of [0.84, 1.01, 1.3]) {
    const unclear = { ...at(value, null), timeRatio: { value, low: 0.5, high: 3.18 } };
    assert.match(
      headline(unclear),
      /, of a speed that is not clear: 2\.0 times faster to 3\.2 times slower, for/,
    );
  }
});

test("a model that tells no classes apart is judged by the first figure of its task", () => {
  const of = "32 images";
  const report: CompressionReport = {
    ...minimalReport(),
    task: "features",
    agreement: null,
    taskFigures: {
      measured: [],
      differences: [
        { name: "signal to noise", unit: "dB", value: 24.31, interval: null, of },
        { name: "cosine", unit: "number", value: 0.99, interval: null, of },
      ],
    },
  };
  assert.match(plain(headline(report)), /signal to noise: 24\.3 dB, 32 images$/);
  assert.match(plain(verdictSentence(report)), /24\.3 dB, 32 images \(a model of features\)\.$/);
  assert.equal(plain(taskValueText("dB", null)), "no noise, or none that can be measured");
  const interval = { low: 0.97, high: 0.99 };
  const share = taskFigureText({ name: "x", unit: "share", value: 0.981, interval, of });
  assert.equal(plain(share), "98.1 % of 32 images, 95 % interval 97.0 % … 99.0 %");
  const error = {
    name: "x",
    unit: "number",
    value: 0.01234,
    interval: { low: -0.5, high: 1234.5 },
    of,
  } as const;
  assert.equal(plain(taskFigureText(error)), "0.01234, 95 % interval −0.5000 … 1,235, 32 images");
});
