/** Progress: what a moment looks like, and what is said when. */
import assert from "node:assert/strict";
import test from "node:test";
import { bytesText, type Clock } from "@cupel/base";
import { durationText, pointsText } from "../src/terminal/figures.ts";
import { createProgressDisplay } from "../src/terminal/progress-display.ts";
import {
  barLine,
  finishedLine,
  progressLine,
  type TaskState,
  timeLeft,
} from "../src/terminal/render-progress.ts";
import { catchingTerminal } from "./harness.ts";

const task = (changes: Partial<TaskState> = {}): TaskState => ({
  title: "Calibrating",
  unit: "images",
  total: 128,
  startedAt: 1000,
  isNested: false,
  done: 32,
  note: "",
  ...changes,
});

test("a quarter done in 5 s leaves 15 s", () => {
  assert.equal(timeLeft(task(), 6000), 15_000);
});

test("no estimate without a total, without progress, in the first moment, or at the end", () => {
  for (const unknown of [task({ total: null }), task({ done: 0 }), task({ done: 128 })]) {
    assert.equal(timeLeft(unknown, 6000), null);
  }
  assert.equal(timeLeft(task(), 1100), null);
});

test("a bar fills in proportion and tells the time left", () => {
  const line = barLine(task({ note: "layer4" }), 6000, 120);
  assert.match(line, /^Calibrating +▕█{6} {18}▏ {2}32 of 128 images {2}15 s left {2}layer4$/);
  assert.match(barLine(task({ done: 128 }), 6000, 120), /▕█{24}▏/);
});

test("a bar is never wider than the terminal", () => {
  for (const columns of [1, 20, 40, 80]) {
    assert.ok(
      barLine(task({ note: "a very long note ".repeat(9) }), 6000, columns).length < Math.max(2, columns),
    );
  }
});

test("on a narrow terminal the bar gives way before the time left does", () => {
  const line = barLine(task(), 6000, 80);
  assert.match(line, /▕█+ +▏ {2}32 of 128 images {2}15 s left$/);
  assert.match(barLine(task(), 6000, 58), /^Calibrating +32 of 128 images {2}15 s left$/);
});

test("a task without a total shows what is done and for how long", () => {
  assert.match(barLine(task({ total: null }), 6000, 100), /^Calibrating +32 images {2}5\.0 s$/);
});

test("lines for a log", () => {
  assert.equal(progressLine(task(), 6000), "Calibrating: 32 of 128 images, 15 s left");
  assert.equal(
    progressLine(task({ total: null, note: "x" }), 6000),
    "Calibrating: 32 images, 5.0 s so far (x)",
  );
  assert.equal(finishedLine(task({ done: 128 }), 15_000), "Calibrating: 128 images in 14 s");
});

/** A clock that is set by hand. */
function handClock(): Clock & { set(ms: number): void } {
  let now = 0;
  return { now: () => now, monotonic: () => now, set: (ms) => (now = ms) };
}

test("a log gets a line after three seconds, then every ten, and one at the end", () => {
  const { terminal, told } = catchingTerminal();
  const clock = handClock();
  using display = createProgressDisplay(terminal, clock);
  {
    using work = display.start("Calibrating", 600, "images");
    for (let second = 1; second <= 30; second++) {
      clock.set(second * 1000);
      work.advance(20);
    }
  }
  assert.deepEqual(told().err.trimEnd().split("\n"), [
    "Calibrating: 60 of 600 images, 27 s left",
    "Calibrating: 260 of 600 images, 17 s left",
    "Calibrating: 460 of 600 images, 7.0 s left",
    "Calibrating: 600 images in 30 s",
  ]);
});

test("what is short says nothing in a log", () => {
  const { terminal, told } = catchingTerminal();
  const clock = handClock();
  using display = createProgressDisplay(terminal, clock);
  {
    using work = display.start("Rounding", 2);
    clock.set(900);
    work.advance(2);
  }
  assert.equal(told().err, "");
});

test("a terminal redraws its bars in place, at most ten times a second, and takes them away", () => {
  let writes = 0;
  const { terminal, told } = catchingTerminal({ isInteractive: true });
  const counting = {
    ...terminal,
    err(text: string) {
      writes++;
      terminal.err(text);
    },
  };
  const clock = handClock();
  {
    using display = createProgressDisplay(counting, clock);
    using work = display.start("Calibrating", 1000, "images");
    for (let i = 0; i < 1000; i++) {
      clock.set(i);
      work.advance();
    }
    assert.ok(writes <= 11, `${writes} writes in a second`);
    display.print("note: something");
  }
  assert.ok(told().err.includes("\u001b[1A\r\u001b[Jnote: something\n"), "the note stands above the bar");
  assert.ok(told().err.endsWith("\u001b[J"), "no bar is left");
});

test("nested tasks are drawn below the first and leave no line", () => {
  const { terminal, told } = catchingTerminal({ isInteractive: true, columns: () => 100 });
  const clock = handClock();
  using display = createProgressDisplay(terminal, clock);
  using _outer = display.start("Compressing", 3, "passes");
  {
    using _inner = display.start("Reading images", 10, "images");
    clock.set(5000);
  }
  assert.match(told().err, /Compressing.*\n {2}Reading images/);
  assert.doesNotMatch(told().err, /✓/);
});

test("figures are short and have units", () => {
  assert.deepEqual([0, 999, 1000, 2_750_000, 98e6, 999_600, 1.5e9].map(bytesText), [
    "0 bytes",
    "999 bytes",
    "1.00 kB",
    "2.75 MB",
    "98.0 MB",
    "1.00 MB",
    "1.50 GB",
  ]);
  assert.deepEqual([400, 9960, 59_400, 60_000, 200_000, 3_900_000].map(durationText), [
    "0.4 s",
    "10 s",
    "59 s",
    "1 min",
    "3 min 20 s",
    "1 h 5 min",
  ]);
  assert.deepEqual([0.007, -0.0031, 0, -0.00001].map(pointsText), ["+0.70", "-0.31", "0.00", "0.00"]);
});
