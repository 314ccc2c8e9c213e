import assert from "node:assert/strict";
import test from "node:test";
import type { FlameFrame } from "@cupel/profile";
import { layOut, rowsFor } from "../pages/profile/view/boxes.ts";
import { searchBoxes } from "../pages/profile/view/frame-search.ts";
import { frameText, timeText } from "../pages/profile/view/frame-text.ts";
import { tinyProfile } from "./fixture/profiles.ts";

const leaf = (name: string, us: number): FlameFrame => ({ name, kind: "kernel", us, note: "", children: [] });

test("boxes too thin to see are left out, and keep their place", () => {
  const tree = {
    ...leaf("all", 1e6),
    children: [leaf("seen", 899_950), leaf("speck", 50), leaf("last", 100_000)],
  };
  assert.deepEqual(
    layOut(tree).map(({ frame, x, width }) => [frame.name, x, width]),
    [
      ["all", 0, 1],
      ["seen", 0, 0.89995],
      ["last", 0.9, 0.1],
    ],
  );
});

test("a deep stack thinner than can be seen asks for no rows until it is zoomed", () => {
  const thin = { ...leaf("thin", 1000), children: [{ ...leaf("a", 1000), children: [leaf("b", 1000)] }] };
  const boxes = layOut({ ...leaf("all", 1e6), children: [leaf("wide", 999_000), thin] });
  assert.equal(rowsFor(boxes, boxes[0]!), 2);
  assert.equal(rowsFor(boxes, boxes[2]!), 4);
});

test("a search reads names and notes, not times", () => {
  const boxes = layOut(tinyProfile().tree);
  assert.equal(searchBoxes(boxes, "  "), null);
  assert.equal(searchBoxes(boxes, "MAIN.ts")?.hits.size, 1);
  assert.equal(searchBoxes(boxes, "µs")?.hits.size, 0);
});

test("a frame in words: its time, its share, what is its own, and where it is", () => {
  const { tree } = tinyProfile();
  const main = tree.children[1]!.children[0]!;
  assert.equal(
    frameText(main, tree.us),
    "main: 550 µs, 19.6 % of all; 100 µs its own; project/src/main.ts:10",
  );
  assert.deepEqual([999, 1500, 250_000, 2_500_000, 12_340_000].map(timeText), [
    "999 µs",
    "1.5 ms",
    "250 ms",
    "2.50 s",
    "12.3 s",
  ]);
});
