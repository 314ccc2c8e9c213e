/**
 * Takes the pictures of pages that the documents show, light, 1280 pixels wide: of a report that lies on the disk, and of
 * the console of a server that runs, with an image tried on its first model.
 *
 *   npm start && npx node tools/screenshot.ts [REPORT.html [OUT.png]]
 *   npx node tools/screenshot.ts URL OUT.png IMAGE
 *
 * Needs Chromium: /usr/bin/chromium, or the one at CUPEL_CHROMIUM.
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Page } from "playwright-core";

const [what = "cupel-demo/inspection.small.report.html", out = "docs/images/report.png", image] =
  process.argv.slice(2);
const isServer = /^https?:/.test(what);
const executablePath = process.env.CUPEL_CHROMIUM ?? "/usr/bin/chromium";
/** Of the report verdict, cards and heat map; of the console down to what was seen in the image. */
const height = isServer ? 1720 : 1130;

async function showReport(page: Page): Promise<void> {
  await page.goto(pathToFileURL(what).href);
  await page.locator(".heat-map canvas").waitFor();
}

async function showConsole(page: Page): Promise<void> {
  await page.goto(what);
  if (image !== undefined) {
    await page.locator("input[type=file]").setInputFiles(image);
    await page.locator(".tried").waitFor();
  }
  // Curves need a few looks.
  await page.waitForTimeout(12_000);
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage({
    viewport: { width: 1280, height },
    colorScheme: "light",
    reducedMotion: "reduce",
  });
  await (isServer ? showConsole(page) : showReport(page));
  await mkdir(dirname(out), { recursive: true });
  await page.screenshot({ path: out, animations: "disabled" });
  console.log(out);
} finally {
  await browser.close();
}
