/** WebSocket from a page in Chromium: the client by hand of docs/websocket.md as it stands there, and the transport. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { rolldown } from "rolldown";
import { until } from "../grpc/open-face.ts";
import { openFace } from "../websocket/open-socket.ts";

const executablePath = process.env.CUPEL_CHROMIUM ?? "/usr/bin/chromium";
const skip = existsSync(executablePath) ? false : `no Chromium at ${executablePath}; set CUPEL_CHROMIUM`;
const args = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-sync",
];

const document = readFileSync(join(import.meta.dirname, "../../../../docs/websocket.md"), "utf8");
const byHand = /^```js\n(.*?)^```$/ms.exec(document)?.[1] ?? "";

const helpers = `
const request = (id, modelName = "echo") => ({ modelName, id,
  inputs: [{ name: "x", datatype: "UINT8", shape: ["1"], contents: { uintContents: [1] } }] });
const stream = "inference.GRPCInferenceService/ModelStreamInfer";
const server = (port) => "http://127.0.0.1:" + port;
`;

/** The transport with what it needs of the library, as a page gets it: nothing of Node.js is in it. */
async function bundle(): Promise<string> {
  const entry = join(import.meta.dirname, "transport-entry.ts");
  await using built = await rolldown({ input: entry, platform: "browser", logLevel: "silent" });
  const { output } = await built.generate({ format: "iife", name: "cupel" });
  return output[0].code;
}

describe("WebSocket in Chromium", { skip }, () => {
  let browser: Browser;
  before(async () => {
    browser = await chromium.launch({ executablePath, args });
  });
  after(() => browser.close());

  /** A page that the server itself answered: which does not matter, its origin does. */
  async function open(url: string): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(url);
    await page.addScriptTag({ content: byHand + helpers });
    return page;
  }

  test("messages go both ways by turns, and a page that cancels takes its request with it", async () => {
    await using server = await openFace();
    const { port } = server.listener;
    const page = await open(`${server.listener.url}/nothing`);
    const heard = await page.evaluate(`(async () => {
      const heard = [];
      let answered = Promise.withResolvers();
      async function* requests() {
        for (const id of ["a", "b", "c"]) {
          heard.push("sent " + id);
          yield request(id);
          await answered.promise;
          answered = Promise.withResolvers();
        }
      }
      for await (const { inferResponse } of call(server(${port}), stream, { "x-api-key": "k" }, requests())) {
        heard.push("got " + inferResponse.id);
        answered.resolve();
      }
      return heard;
    })()`);
    assert.deepEqual(heard, ["sent a", "got a", "sent b", "got b", "sent c", "got c"]);
    assert.deepEqual(server.state.keys, ["k"]);

    const cancelled = page.evaluate(`(async () => {
      globalThis.leaver = new AbortController();
      try {
        for await (const answer of call(server(${port}), stream, {}, [request("w", "wait")], leaver.signal)) return "answered";
      } catch (error) { return error.message; }
    })()`);
    await until(() => server.echo.waiting === 1);
    await page.evaluate("leaver.abort()");
    assert.equal(await cancelled, "cancelled");
    await until(() => server.echo.waiting === 0 && server.state.open === 0);
    assert.deepEqual(server.state.failures, ["CANCELLED"]);

    const refused = page.evaluate(`(async () => {
      try {
        for await (const answer of call(server(${port}), stream, { "x-api-key": "wrong" }, [])) return "answered";
      } catch (error) { return error.message; }
    })()`);
    assert.equal(await refused, "The API key is not one this server knows.");
    // A tab that is closed says nothing: its connection ends.
    void page.evaluate(`call(server(${port}), stream, {}, [request("w", "wait")]).next()`).catch(() => {});
    await until(() => server.echo.waiting === 1);
    await page.close();
    await until(() => server.state.open === 0);
  });

  test("a page of another origin is refused until CORS names it; the transport works in pages", async () => {
    const pages = createServer(
      (_request, response) => void response.end("<!doctype html><title>page</title>"),
    );
    pages.listen(0, "127.0.0.1");
    await once(pages, "listening");
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    const page = await open(origin);
    await page.addScriptTag({ content: await bundle() });
    const ask = (port: number) =>
      page.evaluate(`(async () => {
        const client = cupel.client("http://127.0.0.1:${port}");
        const answers = [];
        async function* requests() {
          for (const id of ["a", "b"]) yield { id, modelName: "echo", rawInputContents: [new Uint8Array(700_000)],
            inputs: [{ name: "x", datatype: "UINT8", shape: [700_000n] }] };
        }
        try {
          for await (const { inferResponse } of client.modelStreamInfer(requests()))
            answers.push([inferResponse.id, inferResponse.rawOutputContents[0].length]);
          return answers;
        } catch (error) { return error.code; }
      })()`);
    {
      await using server = await openFace();
      // Unavailable: browsers do not tell pages why.
      assert.equal(await ask(server.listener.port), 14);
      assert.equal(server.instruments.value("connectionErrors", { cause: "origin_refused" }), 1);
      assert.equal(server.state.actions.length, 0);
    }
    await using server = await openFace({ cors: { origins: [origin], maxAgeSeconds: 1 } });
    assert.deepEqual(await ask(server.listener.port), [
      ["a", 700_000],
      ["b", 700_000],
    ]);
    await page.close();
    pages.close();
  });
});
