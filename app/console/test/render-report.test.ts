import assert from "node:assert/strict";
import test from "node:test";
import { pageTemplate, renderReport } from "@cupel/console";
import { awkwardReport, minimalReport, resNetReport } from "./fixture/reports.ts";

/** The embedded report, found as an HTML parser would: up to the first closing tag. */
function embedded(html: string): unknown {
  const start = html.indexOf(`<script type="application/json" id="report">`);
  const open = html.indexOf(">", start) + 1;
  return JSON.parse(html.slice(open, html.indexOf("</script", open)));
}

test("the figures can be read back from the page", async () => {
  const report = minimalReport();
  const round = (errors: readonly number[]) => errors.map((error) => Number(error.toPrecision(4)));
  const layers = report.layers.map((layer) => ({ ...layer, channelError: round(layer.channelError) }));
  assert.deepEqual(embedded(await renderReport(report)), { ...report, layers });
});

test("no name can close the element that holds the report", async () => {
  const report = awkwardReport();
  const found = embedded(await renderReport(report));
  assert.ok(typeof found === "object" && found !== null && "firstBadLayer" in found);
  assert.deepEqual(found.firstBadLayer, report.firstBadLayer);
});

test("text of a report cannot act as a replacement pattern or a slot of the template", async () => {
  const notes = ["$& $1 $`", "<!-- slot:script -->", "slot:digest"];
  const html = await renderReport({ ...resNetReport(), notes });
  const found = embedded(html);
  assert.ok(typeof found === "object" && found !== null && "notes" in found);
  assert.deepEqual(found.notes, notes);
});

test("the template is one file without addresses to fetch, and not heavier than 800 kB", async () => {
  const template = await pageTemplate("report");
  assert.ok(template.length < 800_000, `${template.length} bytes`);
  assert.doesNotMatch(template, /<link[^>]+stylesheet|<script[^>]+src=|@import|url\(\s*["']?https?:/);
  assert.match(template, /script-src 'sha256-[A-Za-z0-9+/=]+'/);
});

test("callers at the same time get the same template", async () => {
  const [first, ...others] = await Promise.all(Array.from({ length: 8 }, () => pageTemplate("report")));
  for (const other of others) assert.equal(other, first);
});
