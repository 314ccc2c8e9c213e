/**
 * A report as one HTML file that opens anywhere, for ever: script, style, images and figures inside,
 * nothing fetched. The file is the template plus the report as inert JSON.
 */
import type { CompressionReport } from "@cupel/report";
import { reportTemplate } from "./template.ts";

/** Where the template takes the report. */
const REPORT_SLOT = "<!-- slot:report -->";

/**
 * The whole page for one report, as HTML text to write to a file.
 *
 * The figures can be read back from the element `#report` as JSON: all of them exact but `channelError`
 * and `maps`, rounded to four digits. Numbers JSON cannot hold (NaN, infinities) become null and are
 * shown as missing.
 * @throws TEMPLATE_MISSING, TEMPLATE_BUILD_FAILED
 */
export async function renderReport(report: CompressionReport): Promise<string> {
  const template = await reportTemplate();
  const element = `<script type="application/json" id="report">${inertJson(report)}</script>`;
  return template.replace(REPORT_SLOT, () => element);
}

/**
 * JSON that no HTML parser can leave: with every `<` written as an escape, neither `</script>` nor
 * `<!--` can occur. https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements
 */
function inertJson(value: unknown): string {
  return JSON.stringify(value, shortFigures).replaceAll("<", "\\u003c");
}

/** What is only ever seen as a colour. */
const COLOURED: ReadonlySet<string> = new Set(["channelError", "maps"]);
const COLOUR_DIGITS = 4;

/** The long lists behind the heat maps keep four digits, which makes the file half as large. */
function shortFigures(key: string, value: unknown): unknown {
  return COLOURED.has(key) ? shortened(value) : value;
}

function shortened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shortened);
  return typeof value === "number" ? Number(value.toPrecision(COLOUR_DIGITS)) : value;
}
