import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRandom } from "@cupel/base";
import { diagnoseMemory, type MemorySample } from "../src/memory/memory-diagnosis.ts";
import { memoryVerdict } from "../src/memory/memory-verdict.ts";

const MB = 1e6;

interface SampledHeap {
  /** Bytes. Default 20 MB. Where it shrinks, it was collected as a whole. */
  readonly size?: (step: number) => number;
  /** Steps from one collection to the next of a heap that is the same afterwards. Default 5. */
  readonly collectedEvery?: number;
}

/** Samples of a process whose `native` part is `held(step)` above 100 MB. */
function samplesOf(
  steps: number,
  held: (step: number) => number,
  { size: heap = () => 20 * MB, collectedEvery = 5 }: SampledHeap = {},
): MemorySample[] {
  let collections = 0;
  return Array.from({ length: steps }, (_, step) => {
    const native = 100 * MB + held(step);
    const isShrinking = step > 0 && heap(step) < heap(step - 1);
    if (isShrinking || (step > 0 && step % collectedEvery === 0)) collections++;
    const resident = native + heap(step) + 52 * MB;
    return { at: step, heap: heap(step), external: 2 * MB, collections, native, resident };
  });
}

/** Collected where it shrinks, and nowhere else. */
const uncollected = (size: (step: number) => number): SampledHeap => ({ size, collectedEvery: Infinity });
const constantHeap = () => 20 * MB;

/** Normal deviates. */
function noise(seed: number, size: number): () => number {
  const random = createRandom(seed);
  return () => size * random.normal();
}

function judged(samples: readonly MemorySample[]) {
  const diagnosis = diagnoseMemory(samples);
  assert.notEqual(diagnosis.kind, "too-few-samples");
  return diagnosis as Exclude<typeof diagnosis, { kind: "too-few-samples" }>;
}

describe("memory that is no leak", () => {
  const random = noise(7, 0.3 * MB);
  const sawtooth = (period: number, size: number) => (step: number) => ((step % period) / period) * size;
  const series: Readonly<Record<string, readonly MemorySample[]>> = {
    constant: samplesOf(500, () => 0),
    noise: samplesOf(500, () => random()),
    "one jump early": samplesOf(500, (step) => (step > 100 ? 60 * MB : 0)),
    "one jump late": samplesOf(500, (step) => (step > 420 ? 60 * MB : 0)),
    "a ramp, then a plateau": samplesOf(500, (step) => Math.min(step, 200) * 0.3 * MB + random()),
    "warm-up that fades": samplesOf(500, (step) => 60 * MB * (1 - Math.exp(-step / 30)) + random()),
    "a sawtooth of the collector": samplesOf(1000, () => random(), uncollected(sawtooth(37, 40 * MB))),
    "a sawtooth of few long teeth": samplesOf(1000, () => random(), uncollected(sawtooth(230, 40 * MB))),
    "memory that shrinks": samplesOf(500, (step) => -0.01 * MB * step),
  };
  for (const [name, samples] of Object.entries(series)) {
    test(name, () => {
      const { kind, resident } = judged(samples);
      assert.equal(kind, "no-leak");
      // Teeth as long as a fifth of the run leave doubt: then the interval says so.
      assert.ok(resident.total < 5 * MB || resident.interval[0] <= 0, `${resident.interval}`);
    });
  }

  test("the warm-up is measured: 60 MB in 200 steps", () => {
    const { resident } = judged(series["a ramp, then a plateau"]!);
    assert.ok(Math.abs(resident.warmUp.span - 200) < 25, `${resident.warmUp.span} steps`);
    assert.ok(Math.abs(resident.warmUp.bytes - 60 * MB) < 3 * MB, `${resident.warmUp.bytes} bytes`);
    assert.match(
      memoryVerdict(judged(series["a ramp, then a plateau"]!), "step"),
      /^No leak: .* The (59|60|61) MB of the first \d+ steps are warm-up\.$/,
    );
  });
});

describe("memory that leaks", () => {
  /** Bytes a step that the interval must hold, and the part it must name. */
  const leak = (name: string, rate: number, part: string, samples: readonly MemorySample[]) =>
    test(name, () => {
      const diagnosis = judged(samples);
      assert.equal(diagnosis.kind, "leak");
      assert.equal(diagnosis.part, part);
      const { slope, interval } = diagnosis.parts[diagnosis.part];
      assert.ok(Math.abs(slope / rate - 1) < 0.15, `${slope} of ${rate}`);
      assert.ok(interval[0] <= slope && slope <= interval[1]);
      assert.ok(interval[0] > 0.7 * rate && interval[1] < 1.3 * rate, `${interval}`);
    });
  const random = noise(11, 1 * MB);
  leak(
    "steadily",
    0.42 * MB,
    "native",
    samplesOf(300, (step) => 0.42 * MB * step),
  );
  leak(
    "slowly under noise of 100 steps' worth",
    0.01 * MB,
    "native",
    samplesOf(3000, (step) => 0.01 * MB * step + random()),
  );
  leak(
    "after warm-up",
    0.1 * MB,
    "native",
    samplesOf(600, (step) => 80 * MB * (1 - Math.exp(-step / 15)) + 0.1 * MB * step + random()),
  );
  leak(
    "on the heap, below a sawtooth",
    0.05 * MB,
    "heap",
    samplesOf(
      2000,
      () => random(),
      uncollected((step) => 20 * MB + 0.05 * MB * step + (step % 29) * MB),
    ),
  );
  leak(
    "in stairs",
    0.2 * MB,
    "native",
    samplesOf(1000, (step) => 2 * MB * Math.floor(step / 10)),
  );
  leak(
    "with twenty samples only",
    8 * MB,
    "native",
    samplesOf(20, (step) => 8 * MB * step + random(), { collectedEvery: 1 }),
  );
});

test("the interval holds the true rate in about 95 of 100 runs", () => {
  let held = 0;
  const runs = 100;
  for (let seed = 1; seed <= runs; seed++) {
    const random = noise(seed, 1 * MB);
    const { interval } = judged(samplesOf(48, (step) => 0.5 * MB * step + random(), { collectedEvery: 1 }))
      .parts.native;
    if (interval[0] <= 0.5 * MB && 0.5 * MB <= interval[1]) held++;
  }
  // The cut of warm-up is chosen by the data, which costs a little of the 95.
  assert.ok(held >= 0.86 * runs, `${held} of ${runs}`);
});

test("noise alone is hardly ever called a leak", () => {
  let called = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const random = noise(seed, 2 * MB);
    if (judged(samplesOf(400, () => random())).kind === "leak") called++;
  }
  assert.ok(called <= 5, `${called} of 100`);
});

test("a leak is told with its rate, its confidence, its part and what it adds up to", () => {
  const verdict = memoryVerdict(
    judged(samplesOf(3001, (step) => 0.42 * MB * step, { collectedEvery: 1 })),
    "step",
  );
  assert.equal(
    verdict,
    "Memory grows 0.42 MB a step (95 % 0.42 .. 0.42): native memory, 1.3 GB in 3000 steps.",
  );
});

test("growth of a heap that no collector has visited is told, not judged", () => {
  const diagnosis = judged(
    samplesOf(
      500,
      () => 0,
      uncollected((step) => (20 + 0.01 * step) * MB),
    ),
  );
  assert.equal(diagnosis.kind, "undecided");
  assert.equal(
    memoryVerdict(diagnosis, "step"),
    "Memory grows 10 KB a step (95 % 10 .. 10), 5.0 MB in 499 steps, but the whole JavaScript heap was collected " +
      "only 0 times: too short to tell garbage from a leak. Run longer.",
  );
});

test("a run too short to judge is not judged", () => {
  const diagnosis = diagnoseMemory(samplesOf(15, (step) => step * MB));
  assert.deepEqual(diagnosis, { kind: "too-few-samples", samples: 15, needed: 16 });
  assert.match(memoryVerdict(diagnosis, "second"), /15 samples of at least 16/);
});

describe("native memory, which may go with what the collector finds", () => {
  test("that grew while it never came is told, not judged", () => {
    // 1.6 KB a step in a thousand: what a training took that gave it all back to the next collection.
    const diagnosis = judged(samplesOf(1000, (step) => 1600 * step, uncollected(constantHeap)));
    assert.equal(diagnosis.kind, "undecided");
    assert.equal(
      memoryVerdict(diagnosis, "step"),
      "Memory grows 1.6 KB a step (95 % 1.6 .. 1.6), 1.6 MB in 999 steps, but the whole JavaScript heap was collected " +
        "only 0 times: too short to tell garbage from a leak. Run longer.",
    );
  });

  test("that goes at every collection is no leak, however fast it comes", () => {
    const samples = samplesOf(1000, (step) => (step % 60) * 0.2 * MB, { collectedEvery: 60 });
    assert.equal(judged(samples).kind, "no-leak");
  });

  test("that stays after collections is a leak, of the rate at which it stays", () => {
    const samples = samplesOf(1000, (step) => 0.05 * MB * step + (step % 40) * 0.2 * MB, {
      collectedEvery: 40,
    });
    const { kind, part, parts } = judged(samples);
    assert.deepEqual([kind, part], ["leak", "native"]);
    assert.ok(Math.abs(parts.native.slope / (0.05 * MB) - 1) < 0.1, `${parts.native.slope}`);
  });

  test("that grew after the last collection of many is told, not judged", () => {
    const samples = samplesOf(1000, (step) => 0.05 * MB * step).map((sample) => ({
      ...sample,
      collections: Math.min(sample.collections, 20),
    }));
    const diagnosis = judged(samples);
    assert.equal(diagnosis.kind, "undecided");
    assert.match(memoryVerdict(diagnosis, "step"), /collected only in 95 of 999 steps: too short/);
  });
});

describe("array buffers, which go when the collector finds their holders", () => {
  /** 0.2 MB a step, given back every `period` steps up to what `kept(step)` says. */
  const buffers = (steps: number, period: number, kept: (step: number) => number) =>
    Array.from({ length: steps }, (_, step): MemorySample => {
      const at = step - (step % period);
      const external = 2 * MB + kept(at) + (step - at) * 0.2 * MB;
      return {
        at: step,
        heap: 20 * MB,
        external,
        collections: Math.floor(step / period),
        native: 100 * MB,
        resident: 172 * MB + external,
      };
    });

  test("that were never collected are not judged", () => {
    const diagnosis = judged(buffers(108, 200, () => 0));
    assert.equal(diagnosis.kind, "undecided");
    assert.match(
      memoryVerdict(diagnosis, "step", 18),
      /^Memory grows 0\.20 MB a step \(95 % 0\.20 \.\. 0\.20\), 3\.6 MB an epoch, .* collected only 0 times: too short/,
    );
  });

  test("that were collected now and then are no leak", () => {
    assert.equal(judged(buffers(1000, 60, () => 0)).kind, "no-leak");
  });

  test("that are kept are a leak of the rate at which they stay", () => {
    const diagnosis = judged(buffers(1000, 40, (step) => 0.05 * MB * step));
    assert.equal(diagnosis.kind, "leak");
    assert.equal(diagnosis.part, "external");
    assert.ok(Math.abs(diagnosis.parts.external.slope / (0.05 * MB) - 1) < 0.1);
  });
});
