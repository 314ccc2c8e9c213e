/**
 * A page with its data as one HTML file that opens anywhere: script, style, images and figures inside,
 * nothing fetched. The file is the page's template plus the data as inert JSON.
 */
import { escapeHtml } from "./library-notices.ts";
import { pageTemplate } from "./page-template.ts";

const TITLE_SLOT = "<!-- slot:title -->";
const DATA_SLOT = "<!-- slot:data -->";

export interface PageContent {
  /** Of the browser's tab. */
  readonly title: string;
  /** Can be read back from the element `#NAME`, but for numbers JSON cannot hold (NaN, infinities): they become null. */
  readonly data: { readonly format: string };
  /** How each text in the data is written. Default: as it is. */
  readonly text?: (text: string) => string;
}

/**
 * @param name the page's folder in `pages/`: "report"
 * @returns HTML text to write to a file
 * @throws TEMPLATE_MISSING, TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function renderPage(name: string, { title, data, text }: PageContent): Promise<string> {
  const template = await pageTemplate(name);
  const element = `<script type="application/json" id="${name}">${inertJson(data, text)}</script>`;
  return template.replace(TITLE_SLOT, () => escapeHtml(title)).replace(DATA_SLOT, () => element);
}

/**
 * JSON that no HTML parser can leave: with every `<` written as an escape, neither `</script>` nor
 * `<!--` can occur. https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements
 */
function inertJson(value: unknown, text = (given: string) => given): string {
  const write = (_: string, member: unknown) => (typeof member === "string" ? text(member) : member);
  return JSON.stringify(value, write).replaceAll("<", "\\u003c");
}
