/** A page in Chromium, of an origin of its own, with a script that is bundled for it; skipped by name without a browser. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium, type Page } from "playwright-core";
import { build } from "rolldown";

const executablePath = process.env.CUPEL_CHROMIUM ?? "/usr/bin/chromium";
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
];

/** For `test`: the reason to skip, or false. */
export const skip = existsSync(executablePath)
  ? false
  : `no Chromium at ${executablePath}; set CUPEL_CHROMIUM`;

export interface BrowserPage extends AsyncDisposable {
  readonly page: Page;
  /** "http://127.0.0.1:40123" */
  readonly origin: string;
  /** What the page's console said of errors, and what its scripts threw. */
  readonly problems: readonly string[];
}

/** @param script a module whose global names the page's tests call */
export async function openPage(script: string): Promise<BrowserPage> {
  await using opening = new AsyncDisposableStack();
  const { output } = await build({
    input: script,
    write: false,
    platform: "browser",
    output: { format: "iife" },
    logLevel: "silent",
  });
  const server = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(
      isScript ? output[0].code : "<!doctype html><title>page</title><script src=/page.js></script>",
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  opening.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await chromium.launch({ executablePath, args: flags });
  opening.defer(() => browser.close());
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on("console", (message) => {
    // The page has no icon, and needs none.
    if (message.type() === "error" && !message.location().url.endsWith("/favicon.ico"))
      problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(origin);
  const closing = opening.move();
  return { page, origin, problems, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}
