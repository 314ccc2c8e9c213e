/** The page of a provenance graph: the rules that its drawing keeps, and how it looks to a browser. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createRandom } from "@cupel/base";
import { type EnvGraphDocument, renderEnvGraph } from "@cupel/console";
import { draw, linePath, shortened } from "../pages/env-graph/view/drawing.ts";
import {
  type Layout,
  type LayoutEdge,
  layOut,
  type PlacedBox,
} from "../pages/env-graph/view/layout/layered-layout.ts";
import { inOrder } from "../pages/env-graph/view/layout/place-in-layers.ts";
import { shownNodes } from "../pages/env-graph/view/shown-part.ts";
import { type PageBrowser, skip, startBrowser } from "./fixture/browser.ts";
import { awkwardGraph, largeGraph, usualGraph } from "./fixture/env-graphs.ts";

const of = (graph: Omit<EnvGraphDocument, "format">): EnvGraphDocument => ({
  format: "cupel-env-graph-page/1",
  ...graph,
});

const words = { width: 50, height: 18 };

function randomGraph(seed: number, count: number, edgeCount: number) {
  const random = createRandom(seed);
  const pick = () => Math.floor(random.uniform() * count);
  const boxes = Array.from({ length: count }, () => ({
    width: 20 + 200 * random.uniform(),
    height: 20 + 40 * random.uniform(),
  }));
  const edges = Array.from({ length: edgeCount }, (): LayoutEdge => ({ from: pick(), to: pick(), words }));
  return { boxes, edges };
}

const doOverlap = (a: PlacedBox, b: PlacedBox) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** What a drawing must keep to, whatever is drawn. */
function assertReadable({ boxes, lines, width, height }: Layout, edges: readonly LayoutEdge[]): void {
  const all = [...boxes, ...lines.flatMap((line) => (line === null ? [] : [line.words]))];
  all.forEach((a, i) => {
    assert.ok(a.x >= 0 && a.y >= -1e-6 && a.x + a.width <= width + 1e-6 && a.y + a.height <= height + 1e-6);
    for (const b of all.slice(i + 1)) assert.ok(!doOverlap(a, b), "boxes and words lie apart");
  });
  const forward: (readonly [number, number])[] = [];
  lines.forEach((line, i) => {
    const edge = edges[i];
    assert.ok(edge);
    if (line === null) {
      assert.equal(edge.from, edge.to);
      return;
    }
    const [left, right] = line.isBackward ? [edge.to, edge.from] : [edge.from, edge.to];
    if (!line.isBackward) forward.push([edge.from, edge.to]);
    const [begin, end] = [boxes[left], boxes[right]];
    assert.ok(begin && end && begin.x + begin.width < end.x, "from left to right");
    assert.deepEqual([line.pieces[0]?.x1, line.pieces.at(-1)?.x2], [begin.x + begin.width, end.x]);
    line.pieces.forEach(({ x1, x2, y }, at) => {
      assert.ok(x1 <= x2 && x1 >= (line.pieces[at - 1]?.x2 ?? 0), "it never turns back");
      const piece = { x: x1, y: y - 0.1, width: x2 - x1, height: 0.2 };
      for (const other of all) {
        if (other !== begin && other !== end && other !== line.words)
          assert.ok(!doOverlap(piece, other), "a line crosses no box and no words");
      }
    });
  });
  // Kahn: what goes forward has no ring.
  const waiting = boxes.map((_, at) => forward.filter(([, to]) => to === at).length);
  const ready = boxes.flatMap((_, at) => (waiting[at] === 0 ? [at] : []));
  for (const at of ready)
    for (const [from, to] of forward) if (from === at && --waiting[to]! === 0) ready.push(to);
  assert.equal(ready.length, boxes.length);
}

test("boxes and words never overlap, lines go one way and cross neither; what goes round goes back", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const { boxes, edges } = randomGraph(seed, 1 + (seed % 14), (seed * 7) % 40);
    assertReadable(layOut(boxes, edges), edges);
  }
  const box = { width: 10, height: 10 };
  const ring = [0, 1, 2].map((from) => ({ from, to: (from + 1) % 3, words }));
  assert.equal(layOut([box, box, box], ring).lines.filter((line) => line?.isBackward).length, 1);
  const chain = Array.from({ length: 2000 }, (_, from) => ({ from, to: from + 1, words }));
  const long = layOut(
    Array.from({ length: 2001 }, () => box),
    chain,
  );
  assert.equal(long.height, 18, "a chain is one level line");
  assert.deepEqual(layOut([], []), { width: 0, height: 0, boxes: [], lines: [] });
});

test("two groups that can be drawn without a crossing are", () => {
  const box = { width: 10, height: 10 };
  // 0 and 1 lead to 2 to 5 alternately: crossings disappear only by another order.
  const edges = [2, 3, 4, 5].map((to) => ({ from: to % 2, to, words }));
  const { boxes } = layOut(new Array(6).fill(box), edges);
  const order = [2, 3, 4, 5].sort((a, b) => (boxes[a]?.y ?? 0) - (boxes[b]?.y ?? 0)).map((at) => at % 2);
  assert.ok(["0,0,1,1", "1,1,0,0"].includes(order.join()), order.join());
});

test("places under an order are those of least squares, found by trying", () => {
  const random = createRandom(3);
  for (let round = 0; round < 20; round++) {
    const wanted = Array.from({ length: 4 }, () => Math.floor(random.uniform() * 60));
    const heights = [4, 8, 4, 6];
    const found = inOrder(wanted, heights);
    const cost = (places: readonly number[]) =>
      places.reduce((sum, place, i) => sum + (place - (wanted[i] ?? 0)) ** 2, 0);
    const isAllowed = (places: readonly number[]) =>
      places.every(
        (place, i) =>
          i === 0 ||
          place - (places[i - 1] ?? 0) >= ((heights[i] ?? 0) + (heights[i - 1] ?? 0)) / 2 + 12 - 1e-9,
      );
    assert.ok(isAllowed(found));
    for (let trial = 0; trial < 300; trial++) {
      const other = found.map((place) => place + 8 * (random.uniform() - 0.5));
      if (isAllowed(other)) assert.ok(cost(other) >= cost(found) - 1e-9);
    }
  }
});

test("edges between two nodes are one line; long names keep their end; a line is one path", () => {
  const graph = of(usualGraph());
  const { lines, nodes } = draw(graph, shownNodes(graph, { kind: "all" }, 100).nodes);
  assert.deepEqual([nodes.length, lines.length], [7, 8]);
  const both = lines.filter(({ leadsOn, leadsBack }) => leadsOn && leadsBack);
  assert.deepEqual(
    both.map((line) => line.words),
    ["set, read by"],
  );
  assert.equal(shortened(`/${"a".repeat(50)}/hook.sh`).length, 30);
  assert.match(shortened(`/${"a".repeat(50)}/hook.sh`), /^\/a+…a+\/hook\.sh$/);
  assert.equal(
    linePath([
      { x1: 0, x2: 10, y: 5 },
      { x1: 30, x2: 40, y: 9.04 },
    ]),
    "M0 5H10C20 5 20 9 30 9H40",
  );
});

test("around a finding is what is two steps from it, and what is left out is counted", () => {
  const graph = of(usualGraph());
  assert.deepEqual(shownNodes(graph, { kind: "node", at: 2 }, 100), {
    nodes: [2, 1, 3, 0, 4, 5, 6],
    left: 0,
  });
  assert.deepEqual(shownNodes(graph, { kind: "finding", at: 0 }, 4), { nodes: [0, 1, 2, 3], left: 3 });
  const large = shownNodes(of(largeGraph()), { kind: "all" }, 40);
  assert.deepEqual([large.nodes.length, large.left], [40, 49_960]);
});

describe("graph page in Chromium", { skip }, () => {
  let browser: PageBrowser;

  before(async () => {
    browser = await startBrowser();
  });

  after(() => browser.close());

  test("chains are told, marked and drawn; a node leads to what is around it", async () => {
    await browser.open(await renderEnvGraph(usualGraph()), async (page) => {
      assert.match(await page.locator("h1").innerText(), /^1 chain carries a variable that names a script/);
      assert.deepEqual(await page.locator(".chain > li b").allInnerTexts(), [
        "sh",
        "HOOK",
        "/tmp/hook.sh",
        "bash",
      ]);
      assert.equal(await page.locator("svg .node").count(), 7);
      assert.equal(await page.locator("svg .node.found").count(), 4);
      assert.equal(await page.locator("svg .line.found").count(), 4);
      assert.equal(await page.locator(".edges tbody tr").count(), 9);
      await page.locator(".edges").getByRole("button", { name: "left" }).click();
      assert.match(await page.locator("output").innerText(), /^Around left: \d nodes drawn$/);
      await page.getByRole("button", { name: "draw finding 1" }).click();
      assert.match(await page.locator("output").innerText(), /^Around finding 1: 7 nodes drawn$/);
    });
  });

  test("names are text, whatever they are, and nothing runs over a phone", async () => {
    const html = await renderEnvGraph(awkwardGraph());
    assert.ok(!html.includes("\u202e"), "nothing turns letters round");
    await browser.open(
      html,
      async (page) => {
        assert.match(
          await page.locator("svg .node title").first().innerHTML(),
          /&lt;\/script&gt;&lt;script&gt;/,
        );
        assert.equal(await page.evaluate(() => "injected" in globalThis), false);
        assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);
      },
      { viewport: { width: 390, height: 800 } },
    );
  });

  test("of a large graph what was found is drawn first, and what is not drawn is counted", async () => {
    await browser.open(await renderEnvGraph(largeGraph()), async (page) => {
      assert.match(
        await page.locator("output").innerText(),
        /^From the beginning: 40 nodes drawn, 49,960 not drawn$/,
      );
      await page.getByRole("button", { name: "draw finding 1" }).click();
      assert.match(
        await page.locator("output").innerText(),
        /^Around finding 1: 40 nodes drawn, 1,880 not drawn$/,
      );
      await page.getByRole("button", { name: "Draw more" }).click();
      assert.equal(await page.locator("svg .node").count(), 80);
      assert.equal(await page.locator("svg .node.found").count(), 3);
    });
  });
});
