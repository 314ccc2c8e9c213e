/**
 * The stream that is made of rings: one JSON object a line, each with its `kind`. Beside entries there are lines about the
 * stream itself: `about` first in each file, `overwritten`, `unwritten`, and `end`. What detectors find in texts is masked (addresses
 * lose their last part); nothing opens that again.
 */
import { detectedKinds } from "../masking/detect/hit.ts";
import { createScrubber } from "../masking/scrub.ts";
import type { RuntimeEntry } from "./ring-reader.ts";
import { runtimeKinds } from "./runtime-kinds.ts";

const scrubber = createScrubber({ tags: new Map(), detect: new Set(detectedKinds) });

/** @param thread that wrote it */
export function lineOfEntry(
  { kind, sequence, time, numbers, texts, truncated }: RuntimeEntry,
  thread: string,
): string {
  const shape = runtimeKinds[kind];
  const members: [string, string | number | readonly string[]][] = [
    ["kind", kind],
    ["time", timeText(time)],
    ["thread", thread],
    ["seq", sequence],
  ];
  shape.texts.forEach((name, i) => {
    const text = texts[i];
    if (text) members.push([name, scrubber.text(text)]);
  });
  shape.numbers.forEach((name, i) => {
    const number = numbers[i]!;
    if (Number.isFinite(number)) members.push([name, Math.round(number * 1000) / 1000]);
  });
  if (truncated.length > 0) members.push(["truncated", truncated]);
  return `${JSON.stringify(Object.fromEntries(members))}\n`;
}

/** About the stream, at a time in ms since 1970. */
export function lineAbout(kind: string, time: number, facts: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ kind, time: timeText(time), ...facts })}\n`;
}

/** What a reader of the stream MUST know, at the beginning of each file. */
export const notice =
  "This is no audit log: nothing is signed, and what is not read in time is overwritten and counted. What is recorded for good is written by `--audit`.";

let lastMs = Number.NaN;
let lastText = "";

/** Many entries have the same millisecond. */
function timeText(ms: number): string {
  const whole = Math.floor(ms);
  if (whole !== lastMs) {
    lastMs = whole;
    lastText = new Date(whole).toISOString();
  }
  return lastText;
}
