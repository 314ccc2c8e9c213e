/** The report beside a model: whose it is, who may have it, and in which form. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type Gate, openGate, openTemporaryFolder } from "@cupel/base";
import type { ModelReports } from "../src/core/model-report.ts";
import { createModelReports } from "../src/repository/model-reports.ts";
import { echo, serve } from "./rest/support.ts";

const signal = new AbortController().signal;
const ours = "a".repeat(64);
const reportOf = (digest: string, note = "") =>
  JSON.stringify({ format: "cupel-report/4", note, compressed: { sha256: digest } });
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

async function folderOf(files: Readonly<Record<string, string>>) {
  const folder = await openTemporaryFolder("reports");
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text);
  const version = { model: "m", version: "1", digest: ours, origin: join(folder.path, "m.onnx") };
  const asked = async (reports: ModelReports) => {
    const { name, bytes } = await reports.of(version, signal);
    return [name, bytes.toString()];
  };
  return Object.assign(folder, { version, asked });
}

test("the report is that of the bytes in service: its namesake first, another one of the same digest, else none", async () => {
  const own = reportOf(ours, "own");
  const other = reportOf(ours, "other");
  const reports = createModelReports({ gate: openGate });
  {
    await using folder = await folderOf({ "m.report.json": own, "a.report.json": other });
    assert.deepEqual(await folder.asked(reports), ["m.report.json", own]);
    // Of before a reload: the model is another one by now.
    await writeFile(join(folder.path, "m.report.json"), reportOf("b".repeat(64)));
    assert.deepEqual(await folder.asked(reports), ["a.report.json", other]);
    await writeFile(join(folder.path, "a.report.json"), "{");
    await assert.rejects(folder.asked(reports), { code: "REPORT_MISSING" });
    await writeFile(join(folder.path, "a.report.json"), other);
    assert.deepEqual(await folder.asked(reports), ["a.report.json", other]);
  }
  for (const text of [
    "",
    "null",
    "[]",
    '{"compressed":null}',
    JSON.stringify({ compressed: { sha256: ours } }),
  ]) {
    await using folder = await folderOf({ "m.report.json": text });
    await assert.rejects(folder.asked(reports), { code: "REPORT_MISSING" }, text);
  }
  await using folder = await folderOf({ "m.json": own });
  await mkdir(join(folder.path, "m.report.json"));
  await assert.rejects(folder.asked(reports), { code: "REPORT_MISSING" });
});

test("the gate is asked of the very bytes, once for a file as it is, and what it refuses is not told", async () => {
  const asked: unknown[] = [];
  let sealed = sha256(reportOf(ours, "sealed"));
  const gate: Gate = {
    async allow({ files }) {
      asked.push(...files.map((file) => file.sha256));
      const isSealed = files.every((file) => file.sha256 === sealed);
      return isSealed ? { allowed: true } : { allowed: false, reason: "it was changed." };
    },
  };
  const reports = createModelReports({ gate });
  await using folder = await folderOf({ "m.report.json": reportOf(ours, "sealed") });
  const path = join(folder.path, "m.report.json");
  for (let i = 0; i < 3; i++) await folder.asked(reports);
  assert.deepEqual(asked, [sealed]);
  const forged = reportOf(ours, "forged");
  await writeFile(path, forged);
  for (let i = 0; i < 3; i++) {
    await assert.rejects(folder.asked(reports), { code: "REPORT_REFUSED", message: /it was changed/ });
  }
  assert.deepEqual(asked.slice(1), [sha256(forged)]);
  sealed = sha256(forged);
  await utimes(path, 1, 1);
  assert.deepEqual(await folder.asked(reports), ["m.report.json", forged]);
});

const page = { html: "<!doctype html><title>a page</title>", policy: "default-src 'none'" };
const text = reportOf(ours);
const service = echo({
  modelReport: async (_model, version) => ({ name: "m.report.json", bytes: Buffer.from(version ?? text) }),
});

async function told(url: string, accept: string, method = "GET") {
  const answer = await fetch(url, { headers: { accept }, method });
  const header = (name: string) => answer.headers.get(name);
  return {
    status: answer.status,
    type: header("content-type"),
    vary: header("vary"),
    header,
    text: await answer.text(),
  };
}

test("a report is JSON, and a page for who would rather have one and where there are pages", async () => {
  const drawn: string[] = [];
  const pages = {
    console: async () => page,
    report: async (report: Buffer) => {
      drawn.push(report.toString());
      return page;
    },
  };
  await using plain = await serve({ service });
  await using served = await serve({ service, pages });
  const browser = "text/html,application/xhtml+xml,*/*;q=0.8";
  for (const [url, accept] of [
    [served.url, "*/*"],
    [served.url, "application/json"],
    [plain.url, browser],
  ] as const) {
    const { type, vary, text: body } = await told(`${url}/v2/models/m/report`, accept);
    assert.deepEqual([type, vary, body], ["application/json", "accept", text]);
  }
  const shown = await told(`${served.url}/v2/models/m/versions/7/report`, browser);
  assert.deepEqual([shown.status, shown.type, shown.text], [200, "text/html; charset=utf-8", page.html]);
  assert.equal(shown.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
  assert.equal(shown.header("x-content-type-options"), "nosniff");
  assert.equal(shown.header("referrer-policy"), "no-referrer");
  assert.deepEqual(drawn, ["7"]);
  const head = await told(`${served.url}/v2/models/m/report`, "*/*", "HEAD");
  assert.deepEqual([head.status, head.header("content-length"), head.text], [200, String(text.length), ""]);
});

test("the root is the console for a browser, and says where to look to programs and without one", async () => {
  await using plain = await serve({ service });
  await using served = await serve({
    service,
    pages: { console: async () => page, report: async () => page },
  });
  const shown = await told(`${served.url}/?x=1`, "text/html");
  assert.deepEqual(
    [shown.text, shown.header("content-security-policy")],
    [page.html, `${page.policy}; frame-ancestors 'none'`],
  );
  for (const [url, accept] of [
    [served.url, "*/*"],
    [plain.url, "text/html"],
  ] as const) {
    const index: { paths: Record<string, string> } = JSON.parse((await told(`${url}/`, accept)).text);
    for (const path of Object.keys(index.paths))
      assert.equal((await told(url + path, "*/*")).status, 200, path);
  }
  assert.equal((await told(`${served.url}/`, "*/*", "POST")).status, 405);
});
