export type { PlannedLayer } from "./layer-reports.ts";
export { type MakeReportOptions, makeReport } from "./make-report.ts";
export { roundedName } from "./match-layers.ts";
export type * from "./report-schema.ts";
