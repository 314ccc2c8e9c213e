/** The profile as a browser sees it: opened from disk, with the network watched. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { renderProfile } from "@cupel/console";
import type { Profile } from "@cupel/profile";
import type { BrowserContextOptions, Page } from "playwright-core";
import { type PageBrowser, skip, startBrowser } from "./fixture/browser.ts";
import { awkwardProfile, emptyProfile, HOSTILE_FRAME, tinyProfile } from "./fixture/profiles.ts";

describe("profile page in Chromium", { skip }, () => {
  let browser: PageBrowser;

  before(async () => {
    browser = await startBrowser();
  });

  after(() => browser.close());

  async function open(
    use: (page: Page) => Promise<void>,
    { profile = tinyProfile(), ...options }: BrowserContextOptions & { profile?: Profile } = {},
  ): Promise<void> {
    await browser.open(await renderProfile(profile, "tiny"), use, { reducedMotion: "reduce", ...options });
  }

  const phone = { viewport: { width: 390, height: 800 } };
  const item = (page: Page, name: RegExp) => page.getByRole("treeitem", { name });
  const widthOf = async (page: Page, name: RegExp) => (await item(page, name).boundingBox())!.width;

  test("a box is as wide as its share", async () => {
    await open(async (page) => {
      const whole = await widthOf(page, /^all threads/);
      assert.ok(Math.abs((await widthOf(page, /^session/)) / whole - 2200 / 2800) < 0.005);
      assert.ok(Math.abs((await widthOf(page, /^decode/)) / whole - 450 / 2800) < 0.005);
    });
  });

  test("the slowest nodes are a table, slowest first, with a dash for what has no speed", async () => {
    await open(async (page) => {
      const rows = await page.locator("#slowest tbody tr").allInnerTexts();
      assert.deepEqual(
        rows.map((row) => row.replaceAll("\u00a0", " ").split("\t")),
        [
          ["layer1.0.conv1", "Conv", "tiny.onnx", "63 %", "0.25", "0.018"],
          ["fc", "FusedGemm", "tiny.onnx", "20 %", "0.080", "12"],
          ["layer1.0.relu", "Relu", "tiny.onnx", "13 %", "0.050", "–"],
        ],
      );
      assert.equal(await page.title(), "tiny: profile");
    });
  });

  test("a click zooms, and the button comes back", async () => {
    await open(async (page) => {
      const whole = await widthOf(page, /^all threads/);
      await item(page, /^main thread/).click();
      assert.equal(await widthOf(page, /^main thread/), whole);
      assert.equal(await widthOf(page, /^all threads/), whole);
      assert.equal(await widthOf(page, /^session/), 0);
      await page.getByRole("button", { name: "Show all" }).click();
      assert.ok((await widthOf(page, /^session/)) > 0.7 * whole);
      assert.ok(await page.getByRole("button", { name: "Show all" }).isDisabled());
    });
  });

  test("the keyboard walks the tree, zooms and comes back, and the detail follows", async () => {
    await open(async (page) => {
      const focused = () => page.evaluate<string>("document.activeElement.textContent");
      await item(page, /^all threads/).focus();
      const walk: readonly (readonly [key: string, at: string])[] = [
        ["ArrowDown", "session tiny.onnx"],
        ["ArrowRight", "main thread"],
        ["ArrowDown", "main"],
        ["ArrowDown", "decode"],
        ["ArrowUp", "main"],
        ["ArrowRight", "garbage collector"],
        ["ArrowLeft", "main"],
      ];
      for (const [key, at] of walk) {
        await page.keyboard.press(key);
        assert.equal(await focused(), at, key);
      }
      assert.match(
        (await page.locator(".frame-detail").textContent()) ?? "",
        /^main: 550 µs, 19\.6 % of all/,
      );
      await page.keyboard.press("Enter");
      assert.equal(await widthOf(page, /^main: /), await widthOf(page, /^all threads/));
      await page.keyboard.press("Escape");
      assert.equal(await focused(), "all threads");
    });
  });

  test("search marks boxes by name, layer and place, and adds up the outermost", async () => {
    await open(async (page) => {
      const search = page.getByRole("searchbox");
      const found = page.locator("output");
      await search.fill("conv layer1");
      assert.equal(await found.textContent(), "1 box, 49.3 % of the time");
      await search.fill("main");
      // "main thread" holds "main", so only the thread adds up; the place of "main" is main.ts.
      assert.equal(await found.textContent(), "2 boxes, 21.4 % of the time");
      await search.fill("nowhere");
      assert.equal(await found.textContent(), "No box has these words");
    });
  });

  test("a phone shows it without scrolling sideways", async () => {
    await open(async (page) => {
      assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);
      assert.ok((await item(page, /^all threads/).boundingBox())!.height >= 27);
    }, phone);
  });

  test("names are text, whatever they are, and run nothing", async () => {
    await open(
      async (page) => {
        assert.equal(await item(page, /^<\/div>/).innerText(), HOSTILE_FRAME);
        assert.equal(await page.evaluate(() => "injected" in globalThis), false);
        assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);
      },
      { profile: awkwardProfile(), ...phone },
    );
  });

  test("a run in which nothing was seen is one box and no table", async () => {
    await open(
      async (page) => {
        assert.equal(await page.getByRole("treeitem").count(), 1);
        assert.equal(await page.getByRole("table").count(), 0);
        assert.ok(!(await page.locator("#page").innerText()).includes("NaN"));
      },
      { profile: emptyProfile() },
    );
  });
});
