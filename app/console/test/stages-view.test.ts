/** The words on what stages did and where memory is: reference values are worked out by hand. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MemoryPlanReport, StagesReport } from "@cupel/report";
import { memoryFacts, peakRows, valueRows } from "../pages/report/view/memory-rows.ts";
import {
  exitSentence,
  fineTuningSentence,
  gatesSentence,
  keptSentence,
  pruningSentence,
  stagesShown,
  winsText,
} from "../pages/report/view/stages.ts";
import { allStages } from "./fixture/stages.ts";

const plain = (text: string | null) => text?.replaceAll("\u00a0", " ");

const nothing: StagesReport = { pruned: null, rounding: [], retrained: null, exit: null };

describe("what stages did", () => {
  test("a report of any two models, or without such a stage, has nothing to show", () => {
    assert.equal(stagesShown({}), null);
    assert.equal(stagesShown({ stages: nothing }), null);
    for (const [key, value] of Object.entries(allStages(["a", "b"]))) {
      const stages = { ...nothing, [key]: value };
      assert.equal(stagesShown({ stages }), stages, key);
    }
  });

  const { pruned, rounding, retrained, gates, exit } = allStages(["a", "b", "c", "d"]);
  if (pruned === null || retrained === null || !gates || exit === null)
    throw new Error("a fixture of all stages");

  test("channels removed, and what fine-tuning made of it", () => {
    assert.equal(
      plain(pruningSentence({ ...pruned, channels: 168, kept: 120, divergence: 0.0081 })),
      "48 of 168 channels were removed. Before anything is rounded, the outputs differ from the original's by 0.81 % of their power.",
    );
    assert.equal(
      plain(fineTuningSentence(pruned)),
      "2 epochs of fine-tuning took that difference from 12 % to 0.81 %.",
    );
    const worse = { epochs: 1, before: 0.1, after: 0.2, isKept: false };
    assert.match(fineTuningSentence({ ...pruned, fineTuning: worse }) ?? "", /, and were left out\.$/);
    assert.equal(fineTuningSentence({ ...pruned, fineTuning: null }), null);
  });

  test("which way of rounding won", () => {
    assert.equal(winsText(rounding), "reconstruct in 1 layer, gptq in 3 layers");
  });

  test("the epoch that was kept, with labels, without, and where none was better", () => {
    assert.equal(
      plain(keptSentence(retrained)),
      "Epoch 2 was kept: of the images kept from training, 94.0 % to 95.6 % right.",
    );
    const epochs = retrained.epochs.map((each) => ({ ...each, accuracy: null }));
    assert.match(plain(keptSentence({ epochs, kept: 2 })) ?? "", /95\.0 % to 96\.8 % classified as/);
    assert.match(keptSentence({ ...retrained, kept: 0 }), /^No epoch was better/);
  });

  test("what going past blocks saves", () => {
    const chosen = { ...gates.chosen, skipped: 0.312, averageMs: 9.4 };
    assert.equal(
      plain(gatesSentence({ ...gates, chosen })),
      "31.2 % of the work is left out: 9.40 ms on average instead of 13.1 ms, 1.4 times faster.",
    );
    const slower = { ...chosen, averageMs: 13.4 };
    assert.equal(
      plain(gatesSentence({ ...gates, chosen: slower, written: false })),
      "No gate was written: leaving out 31.2 % of the work would take 13.4 ms on average instead of 13.1 ms.",
    );
  });

  test("what leaving early saves", () => {
    const chosen = { ...exit.chosen, leaving: 0.7, averageMs: 8.06 };
    assert.equal(
      plain(exitSentence({ ...exit, chosen })),
      "70.0 % of the images leave early: 8.06 ms on average instead of 13.1 ms, 1.6 times faster.",
    );
  });
});

describe("where the memory is", () => {
  const plan: MemoryPlanReport = {
    storedBytes: 4000,
    foldedBytes: 4000,
    packedBytes: 3000,
    inputBytes: 100,
    activationBytes: 900,
    neededBytes: 800,
    loadingBytes: 7000,
    runningBytes: 8000,
    nodes: [
      { node: "Conv a", heldBytes: 500, neededBytes: 500 },
      { node: "Relu b", heldBytes: 900, neededBytes: 800 },
      { node: "Add c", heldBytes: 400, neededBytes: 400 },
    ],
    values: [
      { name: "a", bytes: 500, madeAt: 0, lastReadAt: 2, in: null },
      { name: "b", bytes: 0, madeAt: 1, lastReadAt: 2, in: { value: "a", how: "in place" } },
      { name: "c", bytes: 400, madeAt: 2, lastReadAt: 3, in: null },
    ],
    unsized: [],
  };

  test("the nodes that hold most, in the order of the run, and the one that sets the peak", () => {
    const rows = peakRows(plan, 2);
    assert.deepEqual(
      rows.map(({ place, node, setsPeak }) => [place, node, setsPeak]),
      [
        [1, "Conv a", false],
        [2, "Relu b", true],
      ],
    );
    assert.deepEqual(
      rows.map(({ makes }) => plain(makes)),
      ["500 B of its own", "in place of a"],
    );
  });

  test("each value lives from the node that makes it to the last that reads it", () => {
    assert.deepEqual(
      valueRows(plan).map(({ name, from, to, lives }) => [name, from, to, lives]),
      [
        ["a", 0, 1, "nodes 1 to 3"],
        ["b", 1 / 3, 1, "nodes 2 to 3"],
        ["c", 2 / 3, 1, "node 3 to the end"],
      ],
    );
    const { values: _, ...without } = plan;
    assert.deepEqual(valueRows(without), []);
  });

  test("the larger of what is predicted stands beside what was measured, where that is known", () => {
    const memory = { wholeProcessBytes: 1, aboveBareProcessBytes: 1, anonymousBytes: 9500 };
    const facts = new Map(memoryFacts(plan, memory));
    assert.equal(plain(facts.get("Measured, anonymous") ?? null), "9.5 kB");
    assert.equal(plain(facts.get("Not predicted: workspaces, the engine's own") ?? null), "1.5 kB");
    const unknown = new Map(memoryFacts(plan, { ...memory, anonymousBytes: null }));
    assert.equal(unknown.has("Measured, anonymous"), false);
  });
});
