export { consoleErrors } from "./errors.ts";
export { renderReport } from "./render-report.ts";
export { reportTemplate } from "./template.ts";
