/** A page in Chromium subscribes over server-sent events and sends a file in a form, from the server's own origin. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { openGraphqlFace } from "../graphql/open-face.ts";

const executablePath = process.env.CUPEL_CHROMIUM ?? "/usr/bin/chromium";
const skip = existsSync(executablePath) ? false : `no Chromium at ${executablePath}; set CUPEL_CHROMIUM`;

test("a browser subscribes by EventSource and by fetch, and sends a file", { skip }, async () => {
  let state: "READY" | "LOADING" = "LOADING";
  const repositoryIndex = () => [{ name: "m", version: "1", state, reason: "" }];
  await using face = await openGraphqlFace({ over: { repositoryIndex } });
  const browser = await chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
    ],
  });
  try {
    const page = await browser.newPage();
    // Any answer makes a page of the origin; refusals have no script.
    await page.goto(`${face.url}?query=%7Bserver%7Bname%7D%7D`);
    const first = await page.evaluate(async () => {
      const source = new EventSource(
        `/graphql?query=${encodeURIComponent("subscription { modelChanges { name state } }")}`,
      );
      const events: string[] = [];
      Object.assign(globalThis, { events, source });
      await new Promise<void>((resolve) => {
        source.addEventListener("next", (event) => {
          events.push(String((event as MessageEvent).data));
          resolve();
        });
      });
      return events;
    });
    assert.deepEqual(first, ['{"data":{"modelChanges":{"name":"m","state":"LOADING"}}}']);
    state = "READY";
    await page.waitForFunction(() => (globalThis as unknown as { events: string[] }).events.length > 1);
    const predicted = await page.evaluate(async () => {
      const { source } = globalThis as unknown as { source: EventSource };
      source.close();
      const query = `subscription ($images: [ImageInput!]!) {
        predictEach(model: "m", images: $images) { index prediction { answers { width } } } }`;
      const form = new FormData();
      form.append("operations", JSON.stringify({ query, variables: { images: [{ upload: null }] } }));
      form.append("map", '{"0":["variables.images.0.upload"]}');
      form.append("0", new Blob([new Uint8Array([1, 2])]));
      const headers = { accept: "text/event-stream", "cupel-csrf": "1" };
      const response = await fetch("/graphql", { method: "POST", body: form, headers });
      return await response.text();
    });
    assert.match(predicted, /"answers":\[\{"width":20\}\].*event: complete\ndata:\n\n$/s);
    assert.deepEqual([...(face.service.predictions[0]?.images[0]?.bytes ?? [])], [1, 2]);
  } finally {
    await browser.close();
  }
});
