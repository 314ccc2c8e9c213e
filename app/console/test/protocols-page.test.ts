/** The comparison of protocols as a browser sees it, and the scale of its tail. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { renderProtocols } from "@cupel/console";
import {
  firstChoice,
  missedLines,
  percentileLines,
  tailPosition,
  tailText,
} from "../pages/protocols/view/curves.ts";
import { type PageBrowser, skip, startBrowser } from "./fixture/browser.ts";
import { awkwardComparison, HOSTILE_SCENARIO, usualComparison } from "./fixture/protocols.ts";

test("each nine of the tail is a step", () => {
  for (const [percent, position] of [
    [0, 0],
    [90, 1],
    [99, 2],
    [99.9, 3],
  ] as const) {
    assert.ok(Math.abs(tailPosition(percent) - position) < 1e-9);
    assert.equal(tailText(position), `${percent}\u00a0%`);
  }
});

test("chosen rows are before the others, the first before all; what a scale of times has no place for is left out", () => {
  const cells = usualComparison().links[0]?.cells ?? [];
  assert.deepEqual(firstChoice(cells), [5, 0]);
  const lines = percentileLines(cells, [5, 0]);
  assert.deepEqual(
    lines.map(({ colour }) => colour),
    ["original", "original", "original", "original", "ink", "compressed"],
  );
  assert.ok(lines.every(({ points }) => points.at(-1)?.x === tailPosition(99.9)));
  const missed = missedLines(cells, [5, 0]).flatMap(({ points }) => points);
  assert.ok(missed.length > 0 && missed.every(({ y }) => y > 0));
  assert.deepEqual(percentileLines([], firstChoice([])), []);
});

describe("protocols page in Chromium", { skip }, () => {
  let browser: PageBrowser;

  before(async () => {
    browser = await startBrowser();
  });

  after(() => browser.close());

  test("conclusions come first, then every row, curves whose rows can be chosen, and tables", async () => {
    await browser.open(await renderProtocols(usualComparison()), async (page) => {
      assert.equal(await page.locator("h1").innerText(), usualComparison().scenario);
      assert.match(await page.locator(".advice").innerText(), /^Connections matter more than protocol/);
      const rows = (await page.locator("table.cells tbody tr").allInnerTexts()).map((row) =>
        row.replaceAll("\u00a0", " ").split("\t"),
      );
      assert.equal(rows.length, 6);
      assert.deepEqual(rows[3], [
        ...["grpc-web not on time", "h2 x 64", "bbr", "226", "195", "452 (432 to 483)"],
        ...["0.00 %", "3,100", "7.4", "64", "–"],
      ]);
      const chart = page.locator("[role=img]").first();
      assert.match(
        (await chart.getAttribute("aria-label")) ?? "",
        /hedged after 200 ms and grpc, h2 x 1, bbr/,
      );
      await page.getByLabel("In blue").selectOption({ index: 2 });
      assert.match(
        (await chart.getAttribute("aria-label")) ?? "",
        /in colour: grpc, h2 x 64, bbr and grpc, h2 x 1/,
      );
      assert.equal(await page.locator("#table-0 tbody tr").count(), 2);
      assert.equal(await page.locator(".remark.warning").count(), 0);
    });
  });

  test("delay only is said first, what is missing is a dash, and names are text", async () => {
    await browser.open(
      await renderProtocols(awkwardComparison()),
      async (page) => {
        assert.equal(await page.locator("h1").innerText(), HOSTILE_SCENARIO);
        assert.match(await page.locator(".remark.warning").innerText(), /^Delay only\. No link was emulated/);
        assert.match(await page.locator("#link-1 h2").innerText(), /^second \(delay only\)$/);
        assert.match(await page.locator("#link-1 tbody").innerText(), /–\t–\t–\t100\.00/);
        assert.equal(await page.evaluate(() => "injected" in globalThis), false);
        assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);
      },
      { viewport: { width: 390, height: 800 } },
    );
  });
});
