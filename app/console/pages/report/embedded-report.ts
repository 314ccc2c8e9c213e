/** The edge between the file and the page: JSON in, a report or a sentence about what is wrong out. */
import type { CompressionReport } from "@cupel/report";

const FORMAT = "cupel-report/1";

export type Embedded = { readonly report: CompressionReport } | { readonly problem: string };

export function readEmbeddedReport(document: Document): Embedded {
  const text = document.getElementById("report")?.textContent ?? "";
  try {
    const report: CompressionReport = JSON.parse(text);
    if (report.format === FORMAT) return { report };
    return {
      problem: `This page reads ${FORMAT}; the file holds ${report.format}. Use the same Cupel for both.`,
    };
  } catch {
    return { problem: "This file holds no report: it is the empty template, or it was cut short." };
  }
}
