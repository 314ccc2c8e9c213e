/** The pages of a server: its console, and the reports of its models. */
import { isReport } from "@cupel/attest";
import { policyOf, renderReport, renderServer } from "@cupel/console";
import type { CompressionReport } from "@cupel/report";
import { type Page, type Pages, serveErrors } from "@cupel/serve";

export function consolePages(): Pages {
  let drawn: Promise<Page> | null = null;
  /** Reports are drawn one after the other: a large one takes much memory meanwhile. */
  let last: Promise<unknown> = Promise.resolve();
  return {
    console() {
      drawn ??= renderServer().then(pageOf);
      // What could not be built may be there the next time.
      drawn.catch(() => {
        drawn = null;
      });
      return drawn;
    },
    report(report) {
      const page = last.then(() => reportPage(report));
      last = page.catch(() => {});
      return page;
    },
  };
}

async function reportPage(bytes: Buffer): Promise<Page> {
  if (!isReport(bytes)) throw undrawable("it is of another version");
  const report: CompressionReport = JSON.parse(bytes.toString("utf8"));
  try {
    return pageOf(await renderReport(report));
  } catch (thrown) {
    // Members are missing that every report has.
    if (thrown instanceof TypeError) throw undrawable("it is not whole", thrown);
    throw thrown;
  }
}

function pageOf(html: string): Page {
  return { html, policy: policyOf(html) };
}

function undrawable(reason: string, cause?: unknown) {
  return serveErrors.error(
    "REPORT_MISSING",
    `The report cannot be shown as a page: ${reason}. Ask for it as JSON, with accept: application/json.`,
    { cause },
  );
}
