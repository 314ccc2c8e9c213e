export { classesOfBoth } from "./classes-of-both.ts";
export type { PlannedLayer } from "./layer-reports.ts";
export { type CompressionFacts, type MakeReportOptions, makeReport } from "./make-report.ts";
export * from "./report-schema.ts";
