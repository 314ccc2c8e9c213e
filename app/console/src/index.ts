export { consoleErrors } from "./errors.ts";
export { buildPages, pageTemplate } from "./page-template.ts";
export * from "./pages.ts";
