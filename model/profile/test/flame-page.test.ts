/** The page as a browser sees it: opened from disk, with the network watched. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import type { FlameFrame } from "../src/flame-frame.ts";
import { renderFlameGraph } from "../src/flame-page.ts";
import { flameTree } from "../src/flame-tree.ts";
import { recording } from "./recordings.ts";

const executablePath = process.env.CUPEL_CHROMIUM ?? "/usr/bin/chromium";
const skip = existsSync(executablePath) ? false : `no Chromium at ${executablePath}; set CUPEL_CHROMIUM`;
const FLAGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

const summary = ["Conv layer1.0.conv1: 63 % of the step, 0.25 ms per run"];

test("names are text, whatever they are", () => {
  const hostile: FlameFrame = {
    name: '</div><script>alert("x")</script>',
    kind: "kernel",
    us: 5,
    note: '"><img>',
    children: [],
  };
  const html = renderFlameGraph(hostile, { title: "<b>", summary: ["<i>"] });
  assert.equal(html.split("<script").length, 2);
  assert.doesNotMatch(html, /<img|<b>|<i>/);
});

test("boxes too thin to see are left out", () => {
  const leaf = (name: string, us: number): FlameFrame => ({
    name,
    kind: "kernel",
    us,
    note: "",
    children: [],
  });
  const tree = { ...leaf("all", 1e6), children: [leaf("seen", 999_950), leaf("speck", 50)] };
  const html = renderFlameGraph(tree, { title: "t", summary: [] });
  assert.match(html, />seen</);
  assert.doesNotMatch(html, />speck</);
});

describe("flame graph page in Chromium", { skip }, () => {
  let browser: Browser;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cupel-flame-"));
    browser = await chromium.launch({ executablePath, args: FLAGS.split(" ") });
  });

  after(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  async function open(use: (page: Page) => Promise<void>, width = 1280): Promise<void> {
    const file = join(folder, `${crypto.randomUUID()}.html`);
    await writeFile(file, renderFlameGraph(flameTree(recording), { title: "tiny", summary }));
    const page = await browser.newPage({ viewport: { width, height: 800 }, reducedMotion: "reduce" });
    const problems: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("request", (request) => {
      if (request.url() !== pathToFileURL(file).href && !request.url().startsWith("data:")) {
        problems.push(`asked for ${request.url()}`);
      }
    });
    await page.goto(pathToFileURL(file).href);
    await use(page);
    assert.deepEqual(problems, []);
    await page.close();
  }

  const item = (page: Page, name: RegExp) => page.getByRole("treeitem", { name });
  const widthOf = async (page: Page, name: RegExp) => (await item(page, name).boundingBox())!.width;

  test("a box is as wide as its share", async () => {
    await open(async (page) => {
      const whole = await widthOf(page, /^all threads/);
      assert.ok(Math.abs((await widthOf(page, /^session/)) / whole - 2200 / 2800) < 0.005);
      assert.ok(Math.abs((await widthOf(page, /^decode/)) / whole - 450 / 2800) < 0.005);
      assert.equal(await page.getByText(summary[0]!).count(), 1);
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
      assert.match((await page.locator("#detail").textContent()) ?? "", /^main: 550 µs, 19\.6 % of all/);
      await page.keyboard.press("Enter");
      assert.equal(await widthOf(page, /^main: /), await widthOf(page, /^all threads/));
      await page.keyboard.press("Escape");
      assert.equal(await focused(), "all threads");
    });
  });

  test("search marks boxes by name, layer and place, and adds up the outermost", async () => {
    await open(async (page) => {
      const search = page.getByRole("searchbox");
      const found = page.locator("#found");
      await search.fill("conv layer1");
      assert.equal(await found.textContent(), "1 box, 49.3 % of the time");
      await search.fill("main");
      // "main thread" holds "main", so only the thread adds up; the place of "main" is main.ts.
      assert.equal(await found.textContent(), "2 boxes, 21.4 % of the time");
      await search.fill("nowhere");
      assert.equal(await found.textContent(), "no box has these words");
    });
  });

  test("a phone shows it without scrolling sideways", async () => {
    await open(async (page) => {
      assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);
      assert.ok((await item(page, /^all threads/).boundingBox())!.height >= 27);
    }, 390);
  });
});
