import assert from "node:assert/strict";
import { test } from "node:test";
import { type NoteFacts, reportNotes } from "../src/judge/notes.ts";

const latency = { threads: 1, runs: 30, medianMs: 10, p10Ms: 9, p90Ms: 11 };
const calm: NoteFacts = {
  cpu: {
    model: "A processor",
    cores: 2,
    architecture: "x64",
    features: ["avx2", "avx512_vnni"],
    int8Pays: "yes",
    sentence: "It pays.",
  },
  harmless: null,
  unreadable: [],
  task: "classification",
  images: 64,
  compared: 64,
  matched: 7,
  labelled: true,
  labelOrder: null,
  fed: [],
  memoryKnown: true,
  latency: { original: latency, compressed: latency },
  timedImages: null,
};

test("a measurement without reservations has no notes", () => {
  assert.deepEqual(reportNotes(calm), []);
});

test("each reservation is one sentence that says what it means for the figures", () => {
  const cases: readonly (readonly [Partial<NoteFacts>, RegExp])[] = [
    [{ cpu: { ...calm.cpu, int8Pays: "no", sentence: "It does not pay." } }, /^It does not pay\.$/],
    [{ images: 100 }, /64 of the 100 images/],
    [{ labelled: false }, /no labels/],
    [{ labelOrder: "Labels met by their order." }, /^Labels met by their order\.$/],
    [{ matched: 0 }, /matched by name/],
    [{ memoryKnown: false }, /memory/],
    [{ harmless: "One layer is odd." }, /^One layer is odd\.$/],
    [{ latency: { original: latency, compressed: { ...latency, p90Ms: 40 } } }, /speed figures are rough/],
    // Times of either way differ by more than that, and nothing is wrong.
    [
      { timedImages: 40, latency: { original: latency, compressed: { ...latency, p90Ms: 40 } } },
      /the mean over 40 of the images/,
    ],
  ];
  for (const [facts, expected] of cases) {
    const notes = reportNotes({ ...calm, ...facts });
    assert.equal(notes.length, 1, String(expected));
    assert.match(notes[0]!, expected);
  }
});

test("unreadable images are counted whole and named in part", () => {
  const unreadable = ["a.png", "b.png", "c.png", "d.png", "e.png"].map((id, index) => ({
    index,
    id,
    reason: "cut off",
  }));
  assert.deepEqual(reportNotes({ ...calm, unreadable }), [
    "5 images could not be read and are left out: a.png, b.png, c.png and 2 more.",
  ]);
  assert.match(
    reportNotes({ ...calm, unreadable: unreadable.slice(0, 1) })[0]!,
    /^One image could not be read .*: a\.png\.$/,
  );
});
