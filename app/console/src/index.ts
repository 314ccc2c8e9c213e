export { consoleErrors } from "./errors.ts";
export { buildPages, pageTemplate } from "./page-template.ts";
export { renderProfile } from "./render-profile.ts";
export { renderReport } from "./render-report.ts";
