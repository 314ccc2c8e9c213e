/** The page as a browser sees it: opened from disk, with the network watched. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { renderReport } from "@cupel/console";
import type { CompressionReport } from "@cupel/report";
import type { BrowserContextOptions, Page } from "playwright-core";
import { layerCsv } from "../pages/report/view/layer-csv.ts";
import { type OpenPage, type PageBrowser, skip, startBrowser } from "./fixture/browser.ts";
import {
  awkwardReport,
  HOSTILE_NAME,
  minimalReport,
  mobileNetReport,
  resNetReport,
} from "./fixture/reports.ts";

describe("report page in Chromium", { skip }, () => {
  let browser: PageBrowser;

  before(async () => {
    browser = await startBrowser();
  });

  after(async () => {
    await using _ = { [Symbol.asyncDispose]: () => browser.close() };
    for (const page of shared) await page[Symbol.asyncDispose]();
  });

  async function open(
    report: CompressionReport,
    use: (page: Page) => Promise<void>,
    options?: BrowserContextOptions,
  ): Promise<void> {
    const html = await renderReport(report);
    await browser.open(
      html,
      async (page) => {
        await page.getByRole("slider", { name: "Layer" }).waitFor();
        await use(page);
      },
      options,
    );
  }

  const shared: OpenPage[] = [];

  /** One page for the tests that each leave it as the next can use it: drawing a large report takes seconds. */
  function sharedPage(report: CompressionReport): (use: (page: Page) => Promise<void>) => Promise<void> {
    let opening: Promise<OpenPage> | undefined;
    return async (use) => {
      opening ??= renderReport(report).then((html) => browser.openPage(html));
      const opened = await opening;
      if (!shared.includes(opened)) shared.push(opened);
      await use(opened.page);
    };
  }

  const resNet = resNetReport();
  const onResNet = sharedPage(resNet);
  const awkward = awkwardReport();
  const onAwkward = sharedPage(awkward);

  /** How many colours the lowest canvas of a chart shows, counted on a sample of its pixels. */
  const coloursOf = (page: Page, selector: string) =>
    page.evaluate<number>(`(() => {
      const canvas = document.querySelector(${JSON.stringify(`${selector} canvas`)});
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const colours = new Set();
      for (let at = 0; at < data.length; at += 4 * 97) colours.add(data.slice(at, at + 4).join());
      return colours.size;
    })()`);

  const firstCells = (page: Page, column: string) =>
    page.locator(`.layer-table tbody .column-${column}`).allInnerTexts();

  test("200 layers are drawn to the last row at once", async () => {
    await onAwkward(async (page) => {
      const lastRow = await page.evaluate<number[]>(`(() => {
        const canvas = document.querySelector(".heat-map canvas");
        const y = (4 + 199 * 8 + 4) * (canvas.height / canvas.clientHeight);
        const { data } = canvas.getContext("2d").getImageData(0, y, canvas.width, 1);
        return [0.4, 0.6, 0.9].map((x) => data[4 * Math.round(x * canvas.width) + 3]);
      })()`);
      assert.deepEqual(lastRow, [255, 255, 255], "opacity of three pixels");
    });
  });

  test("opens from disk, draws the heat map, and asks the network for nothing", async () => {
    await onResNet(async (page) => {
      assert.ok((await coloursOf(page, ".heat-map")) > 50);
      assert.match((await page.locator("h1").textContent()) ?? "", /times smaller/);
      assert.equal(await page.title(), "steel-resnet50.cupel.onnx: compression report");
    });
  });

  test("the table sorts by click and by keyboard, and tells a screen reader", async () => {
    await onResNet(async (page) => {
      const heading = page.locator("th.column-errorMean").last();
      await heading.getByRole("button").click();
      assert.equal(await heading.getAttribute("aria-sort"), "descending");
      const down = (await firstCells(page, "errorMean")).map(Number.parseFloat);
      assert.deepEqual(
        down,
        down.toSorted((a, b) => b - a),
      );
      await heading.getByRole("button").press("Enter");
      assert.equal(await heading.getAttribute("aria-sort"), "ascending");
      const up = (await firstCells(page, "errorMean")).map(Number.parseFloat);
      assert.deepEqual(
        up,
        up.toSorted((a, b) => a - b),
      );
    });
  });

  test("the filter keeps the layers that have the words", async () => {
    await onResNet(async (page) => {
      await page.getByRole("searchbox").fill("layer4 3-bit");
      const forms = await firstCells(page, "weights");
      assert.ok(forms.length > 0 && forms.every((form) => form.includes("3-bit")));
      await page.getByRole("searchbox").fill("nowhere");
      assert.ok(await page.getByText("No layer has these words.").isVisible());
      await page.getByRole("searchbox").fill("");
    });
  });

  test("a layer is chosen in the table, in the heat map and by arrow keys, and its map is shown", async () => {
    await onResNet(async (page) => {
      const panel = page.getByRole("complementary", { name: "Selected layer" });
      await page.locator(".layer-table").getByRole("button", { name: "layer2.1/conv2" }).click();
      assert.ok(await panel.getByText("layer2.1/conv2").isVisible());
      assert.ok((await coloursOf(page, ".spatial-map")) > 10);

      const slider = page.getByRole("slider", { name: "Layer" });
      const before = Number(await slider.getAttribute("aria-valuenow"));
      await slider.press("ArrowDown");
      assert.equal(Number(await slider.getAttribute("aria-valuenow")), before + 1);
      await slider.press("End");
      assert.ok(await panel.getByText("not an image").isVisible());

      await slider.click({ position: { x: 400, y: 10 } });
      assert.equal(await slider.getAttribute("aria-valuenow"), "1");
    });
  });

  test("another image shows another map", async () => {
    await onResNet(async (page) => {
      const caption = page.locator(".spatial figcaption").first();
      const first = await caption.textContent();
      await page.locator(".image-choice label").nth(1).click();
      assert.notEqual(await caption.textContent(), first);
    });
  });

  test("the sentence on the first bad layer leads to it", async () => {
    await onResNet(async (page) => {
      await page.getByRole("slider", { name: "Layer" }).press("Home");
      await page.getByRole("button", { name: "Show this layer" }).click();
      assert.ok(await page.locator(".layer-panel").getByText("first layer that stands out").isVisible());
    });
  });

  for (const [name, report] of Object.entries({
    resNetReport,
    mobileNetReport,
    minimalReport,
    awkwardReport,
  })) {
    // What has awkward names is the widest.
    const isLeftOut = report !== awkwardReport && process.env.CUPEL_LONG_TESTS === undefined;
    test(`${name} fits 390 pixels without scrolling sideways`, {
      skip: isLeftOut && "another report is wider: set CUPEL_LONG_TESTS",
    }, async () => {
      await open(
        report(),
        async (page) => {
          assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);
        },
        { viewport: { width: 390, height: 900 } },
      );
    });
  }

  test("markup in names is shown as text and runs nothing", async () => {
    await onAwkward(async (page) => {
      assert.ok((await page.locator("h3").getByText(HOSTILE_NAME).count()) > 0);
      await page.getByRole("slider", { name: "Layer" }).hover({ position: { x: 400, y: 4 + 3 * 8 + 4 } });
      assert.ok((await page.locator(".tooltip").innerText()).includes("<img src=x"));
      assert.equal(await page.evaluate(() => "injected" in globalThis), false);
    });
  });

  test("how it was made has the command as it was given, the data, the preprocessing and who says it", async () => {
    await onResNet(async (page) => {
      const made = page.locator("#provenance");
      assert.equal(await made.locator(".command").textContent(), resNet.command);
      const text = await made.innerText();
      for (const said of [
        "val/, 1,000 images, labelled",
        "calib/",
        resNet.preprocessing.setting,
        "as the model says",
        "/fc/Gemm_output_0: class scores",
      ]) {
        assert.ok(text.includes(said), said);
      }
      assert.equal(await page.locator(".remarks").getByText("preprocessing").count(), 0);
    });
  });

  for (const [origin, warning] of [
    ["guessed", "The preprocessing is guessed."],
    ["found", "The preprocessing was found by trial."],
  ] as const) {
    test(`a preprocessing that was ${origin} is a warning near the top, with what the trial showed`, async () => {
      const remark = `Of 6 usual ways, ${HOSTILE_NAME} tried.`;
      const preprocessing = { ...minimalReport().preprocessing, origin, remark };
      const command = `cupel compress "${HOSTILE_NAME}" --images ${"/a-long-folder-name".repeat(20)}`;
      await open(
        { ...minimalReport(), preprocessing, command },
        async (page) => {
          const shown = page.locator(".remark.warning", { hasText: warning });
          assert.ok((await shown.textContent())?.includes(remark));
          assert.equal(await page.locator(".command").textContent(), command);
          assert.ok((await page.locator("#provenance").innerText()).includes(remark));
          assert.equal(await page.evaluate(() => "injected" in globalThis), false);
          assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);
        },
        { viewport: { width: 390, height: 900 } },
      );
    });
  }

  test("the table is downloaded as a file, without a connection and within the content policy", async () => {
    await onAwkward(async (page) => {
      await page.getByRole("searchbox").fill("nowhere");
      const waiting = page.waitForEvent("download");
      await page.getByRole("button", { name: "Download all layers as CSV" }).press("Enter");
      const download = await waiting;
      assert.equal(download.suggestedFilename(), "_b_bold__b_.layers.csv");
      assert.equal(
        await readFile(await download.path(), "utf8"),
        layerCsv(JSON.parse(JSON.stringify(awkward.layers))),
      );
      await page.getByRole("searchbox").fill("");
    });
  });

  test("a layer is found by its module, by keyboard, and its values are shown with their text", async () => {
    await onResNet(async (page) => {
      const network = page.locator("#network");
      await network.locator("summary", { hasText: /^layer1 / }).press("Enter");
      await network.locator("summary", { hasText: /^1 / }).first().press("Enter");
      await network
        .getByRole("button", { name: "conv2", exact: true })
        .and(page.getByTitle("layer1.1"))
        .press("Enter");
      const panel = page.getByRole("complementary", { name: "Selected layer" });
      assert.ok(await panel.getByText("layer1.1/conv2").isVisible());
      const chart = panel.getByRole("img", { name: /^Values from .* Original: .* Compressed: / });
      assert.ok(await chart.isVisible());
      assert.ok(await panel.getByText("At the output the error is").isVisible());
    });
  });

  test("a layer without values says so", async () => {
    const { layers, ...report } = minimalReport();
    await open(
      { ...report, layers: layers.map((layer) => ({ ...layer, histogram: null })) },
      async (page) => {
        assert.ok(await page.getByText("This layer has no values to count.").isVisible());
      },
    );
  });

  test("a report without labels, search, memory or maps says what is missing", async () => {
    await open(minimalReport(), async (page) => {
      const text = await page.locator("#page").innerText();
      for (const said of [
        "no labels",
        "No layer stands out",
        "does not tell",
        "No error maps",
        "None: both models",
      ]) {
        assert.ok(text.includes(said), said);
      }
      for (const unsaid of ["NaN", "undefined", "null", "Infinity", "What else was possible"]) {
        assert.ok(!text.includes(unsaid), unsaid);
      }
    });
  });

  test("figures that JSON cannot hold never reach the reader", async () => {
    await onAwkward(async (page) => {
      const text = await page.locator("#page").innerText();
      for (const unsaid of ["NaN", "undefined", "Infinity"]) assert.ok(!text.includes(unsaid), unsaid);
    });
  });

  test("prints the wide table across and the rest upright, then restores the screen", async () => {
    await onResNet(async (page) => {
      await page.emulateMedia({ colorScheme: "dark" });
      const pdf = await page.pdf({ format: "A4", printBackground: true });
      const boxes = new Set(pdf.toString("latin1").match(/MediaBox \[[^\]]+\]/g));
      assert.equal(boxes.size, 2, "portrait pages, and landscape ones for the table");
      assert.equal(await page.locator("html").getAttribute("data-printing"), null);
    });
  });
});
