/** The console of a real server in Chromium: its models, a report beside one of them, and images tried on them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { encodeModelBytes, Model, tensorType, Value } from "@cupel/onnx";
import { writeMetadata } from "@cupel/predict";
import { parseConfig, startServer } from "@cupel/serve";
import { exportImages, syntheticInspection } from "@cupel/vision";
import { type Browser, chromium, type Page } from "playwright-core";
import { consolePages } from "../src/serve/console-pages.ts";
import { type Scratch, scratch } from "./harness.ts";

const executablePath = process.env.CUPEL_CHROMIUM ?? "/usr/bin/chromium";
const skip = existsSync(executablePath) ? false : `no Chromium at ${executablePath}; set CUPEL_CHROMIUM`;
const inspection = join(import.meta.dirname, "../models/inspection.onnx");

/** The class of a pixel is its strongest channel. */
function segmenter(): Uint8Array {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 13]]) });
  const pixels = model.graph.add(new Value("pixels", tensorType("float32", ["n", 3, 8, 8])));
  model.graph.inputs.push(pixels);
  const { output } = model.graph.append({
    opType: "Relu",
    inputs: [pixels],
    outputs: ["scores"],
    type: tensorType("float32", ["n", 3, 8, 8]),
  });
  model.graph.outputs.push(output);
  writeMetadata(model, {
    task: "segmentation",
    classes: ["red", "green", "blue"],
    preprocessing: {
      width: 8,
      height: 8,
      colour: "rgb",
      resize: { kind: "stretch" },
      interpolation: "nearest",
      layout: "NCHW",
      scale: 1 / 255,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    },
  });
  return encodeModelBytes(model);
}

/** A report of the very bytes of the model, as `cupel compress` puts one beside it. */
async function reportText(): Promise<string> {
  const sha256 = createHash("sha256")
    .update(await readFile(inspection))
    .digest("hex");
  const side = { file: "inspection.onnx", bytes: 1, latency: {}, memory: {} };
  return JSON.stringify({ format: "cupel-report/4", original: side, compressed: { ...side, sha256 } });
}

async function openServer(folder: Scratch, more: Readonly<Record<string, unknown>> = {}) {
  await mkdir(folder.at("models"));
  await copyFile(inspection, folder.at("models", "inspection.onnx"));
  await folder.write("models/segmenter.onnx", segmenter());
  await folder.write("models/broken.onnx", "no model");
  await folder.write("models/inspection.report.json", await reportText());
  await exportImages(syntheticInspection({ count: 2, seed: 9 }), folder.at("images"));
  const flags = {
    "repository.path": folder.at("models"),
    "repository.mode": "explicit",
    "listen.port": 0,
    "engine.trial": false,
    "engine.threads": 1,
    "logging.level": "silent",
    ...more,
  };
  return await startServer(parseConfig({ flags }).config, { pages: consolePages() });
}

/** @returns the page, and what went wrong on it. */
async function openConsole(
  browser: Browser,
  url: string,
): Promise<{ page: Page; problems: readonly string[] }> {
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    // A model that is not ready, and a report that is not there, are answers.
    const isOfAnswer = message.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !isOfAnswer) problems.push(message.text());
  });
  page.on("request", (request) => {
    const isOwn = [url, "data:", `blob:${url}`].some((start) => request.url().startsWith(start));
    if (!isOwn) problems.push(request.url());
  });
  await page.goto(url);
  await page.locator("#models tbody tr").first().waitFor();
  return { page, problems };
}

test("the console of a real server: models, an image with boxes, one with a mask, a report", {
  skip,
}, async () => {
  await using folder = await scratch();
  await using server = await openServer(folder);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  await using _ = { [Symbol.asyncDispose]: () => browser.close() };
  const { page, problems } = await openConsole(browser, server.url);
  const text = async (at: string) => (await page.locator(at).innerText()).replaceAll(/\s+/g, " ");
  assert.equal(await page.locator("h1").innerText(), "The server is not ready");
  assert.match(
    await text("#models"),
    /broken 1 failed MODEL_NOT_PROTOBUF The bytes are not a whole ONNX model/,
  );
  assert.match(await text("#models"), /inspection 1 ready/);

  const choose = page.locator("#try").getByRole("combobox", { name: "Model" });
  const image = folder.at("images/1-open/1.png");
  const predicted = async (model: string, act: () => Promise<unknown>) => {
    const answered = page.waitForResponse((response) => response.url().includes(`/${model}/predict`));
    await act();
    assert.equal((await answered).status(), 200);
    await page.getByRole("heading", { name: `${model}, version 1` }).waitFor();
  };
  await choose.selectOption("inspection");
  await predicted("inspection", () => page.locator("input[type=file]").setInputFiles(image));
  const asked = await fetch(`${server.url}/v2/models/inspection/predict`, {
    method: "POST",
    headers: { "content-type": "image/png" },
    body: await readFile(image),
  });
  const told: { answers: { classes: { name: string; score: number }[] }[] } = JSON.parse(await asked.text());
  const [first] = told.answers[0]?.classes ?? [];
  assert.ok(
    (await text(".tried")).includes(
      `classification ${first?.name} ${((first?.score ?? 0) * 100).toFixed(1)}`,
    ),
  );
  assert.match(await text(".tried"), /decode [\d.]+ ms queue [\d.]+ ms run [\d.]+ ms encode [\d.]+ ms/);
  assert.ok((await text(".command")).startsWith(`curl -s ${server.url}/v2/models/inspection/predict -H`));

  await page.getByLabel("look in windows, for boxes").check();
  await predicted("inspection", () => page.getByRole("button", { name: "Predict again" }).click());
  await page.locator(".box").first().waitFor();
  assert.match(
    (await page.locator(".picture img").getAttribute("alt")) ?? "",
    /^The image, with \d+ box(es)? drawn$/,
  );
  const isShown = (at: string) =>
    page.locator(at).evaluate((element) => "naturalWidth" in element && Number(element.naturalWidth) > 0);
  assert.ok(await isShown(".picture img"), "the policy lets the reader's own image be shown");

  await choose.selectOption("segmenter");
  await page.getByLabel("look in windows, for boxes").waitFor({ state: "detached" });
  await predicted("segmenter", () => page.getByRole("button", { name: "Predict again" }).click());
  await page.locator('.picture img[src^="data:image/png"]').waitFor();
  assert.match(await text(".tried"), /segmentation (red|green|blue) [\d.]+ %/);

  await page.getByRole("button", { name: "show the report of inspection, version 1" }).click();
  await page.locator("#report table").waitFor();
  await page.getByRole("button", { name: "show the report of segmenter, version 1" }).click();
  await page.getByText("REPORT_MISSING").waitFor();
  assert.deepEqual(problems, []);
});

test("the page is everybody's, and what is on it is for who has a key", { skip }, async () => {
  const key = "key-of-this-test";
  await using folder = await scratch();
  const sha256 = createHash("sha256").update(key).digest("hex");
  await using server = await openServer(folder, {
    access: { keys: [{ name: "k", sha256, roles: ["all"] }], grants: [{ role: "all", actions: ["*"] }] },
  });
  for (const path of ["/metrics", "/v2", "/v2/models/inspection/report"]) {
    assert.equal((await fetch(server.url + path)).status, 401, path);
  }
  const accept = { headers: { accept: "text/html" } };
  const shown = await fetch(`${server.url}/`, accept);
  assert.equal(shown.status, 200);
  assert.doesNotMatch(await shown.text(), /inspection/);
  const policy = shown.headers.get("content-security-policy") ?? "";
  assert.match(
    policy,
    /default-src 'none'; script-src 'sha256-[^']+'; connect-src 'self';.*frame-ancestors 'none'$/,
  );
  assert.doesNotMatch(policy, /unsafe/);
  const bearer = { authorization: `Bearer ${key}` };
  const json = await fetch(`${server.url}/v2/models/inspection/report`, { headers: bearer });
  assert.equal(await json.text(), await reportText());
  // It has the figures that the console reads, and not what a page needs.
  const drawn = await fetch(`${server.url}/v2/models/inspection/report`, {
    headers: { ...bearer, ...accept.headers },
  });
  assert.equal(drawn.status, 404);
  assert.match(await drawn.text(), /REPORT_MISSING.*it is not whole/);
});
