/** The page of a trace: what its matrix has, and how it looks to a browser, with hostile names and with very many. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type EnvTraceDocument, renderEnvTrace } from "@cupel/console";
import { findingsOf } from "../pages/env-trace/view/findings.ts";
import { matrixOf, noFilter } from "../pages/env-trace/view/matrix.ts";
import { titleOf } from "../pages/env-trace/view/verdict.ts";
import { scrollTo, visibleRange } from "../pages/env-trace/view/visible-range.ts";
import { type PageBrowser, skip, startBrowser } from "./fixture/browser.ts";
import { awkwardTrace, largeTrace, nothingTraced, usualTrace } from "./fixture/env-traces.ts";

const of = (trace: Omit<EnvTraceDocument, "format">): EnvTraceDocument => ({
  format: "cupel-env-trace-page/1",
  ...trace,
});

test("the matrix has a row a package and a column a name, secrets first; filters leave what they say", () => {
  const trace = of(usualTrace());
  const shape = (filter: Partial<typeof noFilter>) => {
    const { rows, columns, accesses } = matrixOf(trace, { ...noFilter, ...filter });
    return [rows.map(({ name }) => name), columns.map(({ label }) => label), accesses];
  };
  assert.deepEqual(shape({}), [
    ["left", "@scope/thief", "program", "npm"],
    ["(all names)", "AWS_SECRET_ACCESS_KEY", "NPM_TOKEN", "NODE_ENV"],
    8,
  ]);
  assert.deepEqual(shape({ isSecretOnly: true }), [
    ["@scope/thief", "npm"],
    ["(all names)", "AWS_SECRET_ACCESS_KEY", "NPM_TOKEN"],
    5,
  ]);
  assert.deepEqual(shape({ isNewOnly: true })[0], ["@scope/thief"]);
  assert.deepEqual(shape({ isRefusedOnly: true }), [["@scope/thief"], ["AWS_SECRET_ACCESS_KEY"], 1]);
  assert.deepEqual(shape({ packageText: " THI", keyText: "aws" })[2], 1);
  assert.deepEqual(shape({ packageText: "nobody" }), [[], [], 0]);
  const { cells } = matrixOf(trace, noFilter);
  assert.equal(cells[0]?.get(3)?.letters, "RW");
});

test("the title counts who touches secrets; findings are one line a package and what it does, secrets first", () => {
  assert.equal(titleOf(of(usualTrace())), "2 of 4 packages touch 2 secrets");
  assert.equal(titleOf(of(nothingTraced())), "Nothing was seen");
  assert.deepEqual(
    findingsOf(of(usualTrace())).map(({ sentence }) => sentence),
    ["@scope/thief reads AWS_SECRET_ACCESS_KEY", "@scope/thief lists all names"],
  );
  const many = findingsOf(of(largeTrace()));
  assert.equal(many.filter(({ isTagged }) => !isTagged).length, 6, "of six new packages");
  assert.ok(many.findLastIndex(({ isTagged }) => isTagged) < many.findIndex(({ isTagged }) => !isTagged));
  assert.match(
    many.find(({ isTagged }) => !isTagged)?.sentence ?? "",
    /^package-7 reads NAME_\d+, NAME_\d+, NAME_\d+, NAME_\d+ and \d+ more$/,
  );
});

test("what is in view is all that is in view, and never beyond the ends", () => {
  for (const [scrolled, size, pitch, count] of [
    [0, 100, 10, 400],
    [995, 100, 10, 400],
    [3900, 100, 10, 400],
    [0, 100, 10, 3],
    [500, 0, 10, 0],
    [500, 100, 10, 5],
  ] as const) {
    const { from, to } = visibleRange(scrolled, size, pitch, count);
    const inView = Array.from({ length: count }, (_, i) => i).filter(
      (i) => (i + 1) * pitch > scrolled && i * pitch < scrolled + size,
    );
    assert.ok(from >= 0 && to <= count && from <= to);
    assert.ok(inView.every((i) => i >= from && i < to));
    assert.ok(to - from <= inView.length + 8);
  }
  assert.deepEqual(
    [scrollTo(0, 50, 100, 10), scrollTo(20, 50, 100, 10), scrollTo(7, 50, 100, 10)],
    [0, 110, 50],
  );
});

describe("trace page in Chromium", { skip }, () => {
  let browser: PageBrowser;

  before(async () => {
    browser = await startBrowser();
  });

  after(() => browser.close());

  test("the keyboard walks the matrix and chooses a package, whose accesses and children are told", async () => {
    await browser.open(await renderEnvTrace(usualTrace()), async (page) => {
      assert.equal(await page.locator("h1").innerText(), "2 of 4 packages touch 2 secrets");
      assert.match(
        await page.locator(".remarks").innerText(),
        /Denied\. 1 fact .*New\. 2 facts, 1 about secrets/s,
      );
      assert.equal(await page.locator("#package h3").innerText(), "@scope/thief", "what was found is chosen");
      const row = (await page.locator("#package tbody tr").first().innerText()).replaceAll("\u00a0", " ");
      assert.match(
        row,
        /^AWS_SECRET_ACCESS_KEY\s+secret\s+denied\s+new\s+reads\s+1\s+1\.50 s\s+node_modules\/@scope\/thief\/main\.cjs:7\s+left$/,
      );
      await page.locator(".matrix").focus();
      for (const key of ["ArrowRight", "End", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown"])
        await page.keyboard.press(key);
      const told = () => page.locator(".active-cell").innerText();
      assert.equal(await told(), "npm, NODE_ENV: nothing");
      await page.keyboard.press("ArrowLeft");
      assert.match(
        await told(),
        /^npm, NPM_TOKEN, a secret: hands on to a child, 1 time or more, reads, 1 time/,
      );
      const active = await page.locator(".matrix").getAttribute("aria-activedescendant");
      assert.equal(await page.locator(`#${active}`).getAttribute("aria-label"), `CR: ${await told()}`);
      await page.keyboard.press("Enter");
      assert.equal(await page.locator("#package h3").innerText(), "npm");
      assert.deepEqual(await page.locator("#children tbody tr").allInnerTexts(), [
        "sh -c vitest --key=***\tnpm\tAWS_SECRET_ACCESS_KEY, NPM_TOKEN",
        "node server.js\tnpm\tAWS_SECRET_ACCESS_KEY",
      ]);
      await page.getByLabel("only secrets").check();
      assert.match(await page.locator("output").innerText(), /^2 packages of 4, 3 columns, 5 facts$/);
    });
  });

  test("names are text, whatever they are, and nothing runs over a phone", async () => {
    const html = await renderEnvTrace(awkwardTrace());
    assert.ok(!html.includes("\u202e"), "nothing turns letters round");
    await browser.open(
      html,
      async (page) => {
        assert.match(
          await page.locator(".matrix [role=rowheader]").first().innerText(),
          /^<\/script><script>.*\\u202e0/,
        );
        assert.equal(await page.evaluate(() => "injected" in globalThis), false);
        assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);
      },
      { viewport: { width: 390, height: 800 } },
    );
  });

  test("of 300 packages by 400 names there is what is in view; heads stay, and the last cell can be reached", async () => {
    await browser.open(await renderEnvTrace(largeTrace()), async (page) => {
      const elements = () => page.evaluate<number>('document.querySelectorAll("*").length');
      assert.ok((await elements()) < 1500);
      const matrix = page.locator(".matrix");
      await matrix.focus();
      await page.keyboard.press("End");
      for (let i = 0; i < 25; i++) await page.keyboard.press("PageDown");
      assert.equal(await page.locator(".active-cell").innerText(), "package-299, NAME_99: nothing");
      const [grid, corner, head] = await Promise.all(
        [".matrix", ".matrix .corner", ".matrix [aria-rowindex='301'] [role=rowheader]"].map((each) =>
          page.locator(each).boundingBox(),
        ),
      );
      assert.ok(grid && corner && head);
      assert.ok(Math.abs(corner.x - grid.x) < 2 && Math.abs(corner.y - grid.y) < 2, "the corner stays");
      assert.ok(Math.abs(head.x - grid.x) < 2, "heads of rows stay");
      assert.ok(await page.locator("#active-cell").isVisible());
      assert.ok((await elements()) < 1500);
      await page.getByLabel("Package", { exact: true }).fill("package-29");
      await page.getByText("11 packages of 300").waitFor();
      assert.equal(await page.locator(".matrix-row").count(), 11);
    });
  });
});
