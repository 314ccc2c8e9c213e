/**
 * The stream that is made of rings: one JSON object a line, each with its `kind`. Beside entries there are lines about the
 * stream itself: `about` first in each file, `overwritten`, `unwritten`, and `end`. What detectors find in texts is masked (addresses
 * lose their last part); nothing opens that again.
 */
import { BoundedCache } from "../keys/bounded-cache.ts";
import { detectedKinds } from "../masking/detect/hit.ts";
import { createScrubber } from "../masking/scrub.ts";
import type { RuntimeEntry } from "./ring-reader.ts";
import { kindsByNumber, type RuntimeKind, runtimeKinds } from "./runtime-kinds.ts";

const scrubber = createScrubber({ tags: new Map(), detect: new Set(detectedKinds) });
/** Masked and as JSON: the same methods, hosts and paths come again and again. */
const seenTexts = new BoundedCache<string>(1000);

interface LineForm {
  readonly head: string;
  readonly texts: readonly string[];
  readonly numbers: readonly string[];
}

const label = (name: string) => `,${JSON.stringify(name)}:`;
const forms: ReadonlyMap<RuntimeKind, LineForm> = new Map(
  kindsByNumber.map((kind) => {
    const { texts, numbers } = runtimeKinds[kind];
    return [
      kind,
      { head: `{"kind":${JSON.stringify(kind)}`, texts: texts.map(label), numbers: numbers.map(label) },
    ];
  }),
);

/** @param thread that wrote it */
export function lineOfEntry(
  { kind, sequence, time, numbers, texts, truncated }: RuntimeEntry,
  thread: string,
): string {
  const form = forms.get(kind)!;
  let line = `${form.head},"time":"${timeText(time)}","thread":${textAsJson(thread)},"seq":${sequence}`;
  texts.forEach((text, i) => {
    if (text !== "") line += form.texts[i] + textAsJson(text);
  });
  numbers.forEach((number, i) => {
    if (Number.isFinite(number)) line += form.numbers[i] + String(Math.round(number * 1000) / 1000);
  });
  if (truncated.length > 0) line += `,"truncated":${JSON.stringify(truncated)}`;
  return `${line}}\n`;
}

function textAsJson(text: string): string {
  const seen = seenTexts.get(text);
  if (seen !== undefined) return seen;
  const masked = JSON.stringify(scrubber.text(text));
  seenTexts.set(text, masked);
  return masked;
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
