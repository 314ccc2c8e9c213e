import assert from "node:assert/strict";
import { test } from "node:test";
import { chromeTrace } from "../src/chrome-trace.ts";
import { recording } from "./recordings.ts";

const { traceEvents } = chromeTrace(recording);
const complete = traceEvents.filter(({ ph }) => ph === "X");

test("calls are laid out as they happened, on the recording's clock", () => {
  const calls = complete.filter(({ tid }) => tid === 0).map(({ name, ts, dur }) => [name, ts, dur]);
  assert.deepEqual(calls, [
    // Interrupted by waiting: two calls each.
    ["main", 0, 400],
    ["decode", 100, 300],
    ["main", 800, 150],
    ["decode", 800, 150],
    ["garbage collector", 950, 50],
  ]);
});

test("the engine's events keep their durations and move to the recording's clock", () => {
  const inEngine = complete.filter(({ tid }) => tid === 1);
  assert.equal(inEngine.length, 12);
  const conv = inEngine.find(({ name }) => name === "layer1.0.conv1");
  assert.deepEqual([conv?.ts, conv?.dur, conv?.cat], [700, 880, "kernel"]);
});

test("each track has its name", () => {
  const names = traceEvents
    .filter(({ name }) => name === "thread_name")
    .map(({ tid, args }) => [tid, args?.name]);
  assert.deepEqual(names, [
    [0, "main thread"],
    [1, "session tiny.onnx"],
  ]);
});

test("slices of one track are nested or apart, as the format asks", () => {
  for (const tid of [0, 1]) {
    const slices = complete.filter((event) => event.tid === tid);
    for (const a of slices) {
      for (const b of slices) {
        if (a === b) continue;
        const [aEnd, bEnd] = [a.ts! + a.dur!, b.ts! + b.dur!];
        const apart = aEnd <= b.ts! || bEnd <= a.ts!;
        const nested = (a.ts! <= b.ts! && bEnd <= aEnd) || (b.ts! <= a.ts! && aEnd <= bEnd);
        assert.ok(apart || nested, `${a.name} ${a.ts} and ${b.name} ${b.ts}`);
      }
    }
  }
});
