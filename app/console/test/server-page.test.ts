/** The console of a server as a browser sees it: sent by a server that answers what a test needs. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { renderServer } from "@cupel/console";
import type { Page } from "playwright-core";
import { type PageBrowser, skip, startBrowser } from "./fixture/browser.ts";
import { pngBytes } from "./fixture/png.ts";
import { awkwardServer, HOSTILE, metricText, problem, tryImage, usualServer } from "./fixture/servers.ts";

/** As a reader who comes back to the tab: the page looks at once. */
const lookAgain = (page: Page) => page.evaluate(`document.dispatchEvent(new Event("visibilitychange"))`);

const image = pngBytes(4, 4, (x) => [x * 60, 90, 30]);

describe("server page in Chromium", { skip }, () => {
  let browser: PageBrowser;

  before(async () => {
    browser = await startBrowser();
  });

  after(() => browser.close());

  test("models, figures of the last minute and errors are shown; a report; an image with its boxes", async () => {
    const { answer, asked } = usualServer();
    await browser.open(
      await renderServer(),
      async (page) => {
        const text = async (at: string) => (await page.locator(at).innerText()).replaceAll(/\s+/g, " ");
        const rows = async (at: string) =>
          (await page.locator(`${at} tbody tr`).allInnerTexts()).map((row) => row.replaceAll(/\s+/g, " "));
        assert.equal(await page.locator("h1").innerText(), "1 version in service");
        assert.match(await text(".remarks"), /1 version could not be loaded.*Attested\./);
        // Every look counts one round of requests more, and the second says how many in the time between.
        await page.locator("#now").waitFor();
        await lookAgain(page);
        await page.getByText(/P90 \d/).waitFor();
        const [, rate = ""] = /requests a second ([\d.]+)/.exec(await text("#now")) ?? [];
        assert.ok(Number(rate) > 0, rate);
        // Of 125: 60 took up to 10 ms, 120 up to 100, and what is above the last bound is told as that.
        assert.match(await text("#now"), /errors 20\.0 %.*median time 13\.8 ms P90 88\.8 ms, P99 100 ms/);
        assert.match(await text("#now"), /in the queue 3 5 being answered.*memory 384 MB 2 processes/);
        assert.match(
          (await rows("#models"))[0] ?? "",
          /^parts 1 ready .* 20\.0 % 13\.8 ms 100 ms 3 1\.57 half open show$/,
        );
        assert.match(
          (await rows("#models"))[1] ?? "",
          /^parts 2 failed MODEL_LOAD_FAILED The engine refused the model\./,
        );
        assert.match((await rows("#models"))[2] ?? "", /^late 1 loading/);
        assert.match(await text("#stages"), /run, in the engine 10\.0 ms, P99 91\.0 ms/);
        assert.match(await text("#stages"), /1 40 runs 2 20 runs 3 to 4 10 runs/);
        assert.match((await rows("#errors")).join(), /^IMAGE_INVALID \d+ \d+$/);

        await page.getByRole("button", { name: "show the report of parts, version 1" }).press("Enter");
        await page.getByRole("link", { name: "The whole report" }).waitFor();
        const link = page.getByRole("link", { name: "The whole report" });
        assert.equal(await link.getAttribute("href"), "/v2/models/parts/versions/1/report");
        assert.match(
          (await rows("#report")).join(),
          /size 20\.0 MB 2\.5 MB,.*top-1 accuracy 97\.5 % 97\.0 %/,
        );

        await tryImage(page, "it's part.png", image);
        assert.match(await text(".tried"), /part 87\.5 % class 1 50\.0 %.*decode 1\.50 ms run 6\.00 ms/);
        assert.match(await text(".command"), /--data-binary '@\.\/it'\\''s part\.png'$/);
        // The smaller one, which lies above the other.
        const box = await page.locator(".box").last().getAttribute("style");
        assert.equal(box, "left: 25%; top: 0%; width: 50%; height: 50%;");
        assert.equal(asked.filter((each) => each === "POST /v2/models/parts/predict").length, 1);
      },
      { answer },
    );
  });

  test("every name is text, whatever it is, and what the caller may not see is said", async () => {
    const { answer, asked } = awkwardServer();
    await browser.open(
      await renderServer(),
      async (page) => {
        assert.equal(await page.locator("h1").innerText(), "The server is not ready");
        await page.locator("#models tbody tr").first().waitFor();
        assert.equal(await page.locator("#models tbody th").first().innerText(), HOSTILE);
        await page
          .getByRole("button", { name: /^show the report/ })
          .first()
          .click();
        await page.locator("#report table").waitFor();
        await tryImage(page, HOSTILE.replaceAll("/", ""), image);
        assert.match(await page.locator(".remarks").innerText(), /may do "metrics"\. Give a key that may\./);
        assert.equal(await page.evaluate(() => "injected" in globalThis), false);
        assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);
        // What was refused is not asked again, whatever else is.
        const again = page.waitForRequest(/repository\/index/);
        await lookAgain(page);
        await again;
        assert.equal(asked.filter((each) => each.endsWith("/metrics")).length, 1);
      },
      { answer, viewport: { width: 390, height: 800 } },
    );
  });

  test("a key goes as a header with each question, stays for the tab, and is forgotten when told to", async () => {
    const secret = "key-of-this-test";
    const server = usualServer({
      "/metrics": (request) =>
        request.headers().authorization === `Bearer ${secret}`
          ? { body: metricText(1) }
          : problem(401, "AUTH_REQUIRED", "Send an API key."),
    });
    const { answer, keys, asked } = server;
    await browser.open(
      await renderServer(),
      async (page) => {
        const field = page.getByLabel("API key or token");
        await field.fill("no key");
        await field.press("Enter");
        await page.getByText("A key has no spaces").waitFor();
        await field.fill(secret);
        await field.press("Enter");
        await page.locator("#now").waitFor();
        for (const path of ["/metrics", "/v2/repository/index", "/v2"]) {
          assert.equal(keys.get(path), `Bearer ${secret}`, path);
        }
        await page.reload();
        await page.locator("#now").waitFor();
        await tryImage(page, "part.png", image);
        const shown = await page.content();
        assert.ok(shown.includes("Bearer $KEY"));
        assert.ok(!shown.includes(secret) && !asked.join().includes(secret) && !page.url().includes(secret));
        await page.getByRole("button", { name: "Forget" }).click();
        await page.locator("#now").waitFor({ state: "detached" });
        assert.equal(keys.get("/metrics"), "");
        assert.equal(await page.evaluate("sessionStorage.length + localStorage.length"), 0);
      },
      { answer },
    );
  });

  test("a server that is gone is said so, and what it said before stays", async () => {
    let isThere = true;
    const { answer } = usualServer();
    await browser.open(
      await renderServer(),
      async (page) => {
        await page.locator("#models tbody tr").first().waitFor();
        isThere = false;
        await lookAgain(page);
        await page.getByRole("heading", { name: "The server does not answer" }).waitFor();
        assert.equal(await page.locator("#models tbody tr").count(), 3);
        isThere = true;
        await lookAgain(page);
        await page.getByRole("heading", { name: "1 version in service" }).waitFor();
      },
      { answer: (path, request) => (isThere ? answer(path, request) : null) },
    );
  });
});
