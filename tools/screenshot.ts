/**
 * Takes the picture of a report page that the README shows: the top of the page of the demo, light, 1280 pixels wide.
 *
 *   npm start && npx node tools/screenshot.ts [REPORT.html [OUT.png]]
 *
 * Needs Chromium: /usr/bin/chromium, or the one at CUPEL_CHROMIUM.
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [report = "cupel-demo/inspection.small.report.html", out = "docs/images/report.png"] =
  process.argv.slice(2);
const executablePath = process.env.CUPEL_CHROMIUM ?? "/usr/bin/chromium";
/** Verdict, cards and heat map. */
const height = 1130;

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage({
    viewport: { width: 1280, height },
    colorScheme: "light",
    reducedMotion: "reduce",
  });
  await page.goto(pathToFileURL(report).href);
  await page.locator(".heat-map canvas").waitFor();
  await mkdir(dirname(out), { recursive: true });
  await page.screenshot({ path: out, animations: "disabled" });
  console.log(out);
} finally {
  await browser.close();
}
