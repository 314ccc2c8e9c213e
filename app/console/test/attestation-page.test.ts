/** The attestation as a browser sees it: opened from disk, with the network watched. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { renderAttestation } from "@cupel/console";
import { brokenAttestation, HOSTILE_NAME, validAttestation } from "./fixture/attestations.ts";
import { type PageBrowser, skip, startBrowser } from "./fixture/browser.ts";

describe("attestation page in Chromium", { skip }, () => {
  let browser: PageBrowser;

  before(async () => {
    browser = await startBrowser();
  });

  after(() => browser.close());

  test("the verdict comes first; signers, claims and files follow", async () => {
    await browser.open(await renderAttestation(validAttestation()), async (page) => {
      assert.equal(await page.locator("h1").innerText(), "parts 3 is what was sealed");
      assert.match(await page.locator(".remark.good").innerText(), /^Valid\./);
      assert.equal(await page.locator("#differences").count(), 0);
      assert.match(await page.locator("#seal").innerText(), /Signer, model\.sig\s+key 5b5b/);
      const rows = async (section: string) =>
        (await page.locator(`${section} tbody tr`).allInnerTexts()).map((row) =>
          row.replaceAll("\u00a0", " ").split("\t"),
        );
      assert.deepEqual(await rows("#figures"), [
        ["top-1 accuracy", "97.50 %", "97.20 %", "", "5,000 images"],
        ["size", "23.7 MB", "2.7 MB", "", ""],
        ["top-1 accuracy", "", "", "−0.30 points (−0.60 points to 0.00 points)", "5,000 images"],
        ["noise", "", "", "–", "32 images"],
      ]);
      assert.deepEqual(await rows("#files"), [
        ["small.onnx", "2.7 MB", "5b".repeat(32)],
        ["latest", "", "link to small.onnx"],
      ]);
    });
  });

  test("a broken seal says so first, and names are text, whatever they are", async () => {
    const html = await renderAttestation(brokenAttestation());
    await browser.open(
      html,
      async (page) => {
        assert.equal(await page.locator("h1").innerText(), `${HOSTILE_NAME} is not what was sealed`);
        assert.match(await page.locator(".remark.warning").innerText(), /^Do not use it\. 2 differences/);
        const sentences = await page.locator("#differences li").allInnerTexts();
        assert.deepEqual(sentences, brokenAttestation().differences);
        assert.equal(await page.locator("#origin, #figures").count(), 0);
        assert.equal(await page.evaluate(() => "injected" in globalThis), false);
        assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);
      },
      { viewport: { width: 390, height: 800 } },
    );
  });
});
