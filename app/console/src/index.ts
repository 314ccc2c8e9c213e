export * from "./env-pages.ts";
export { consoleErrors } from "./errors.ts";
export { policyOf } from "./page-policy.ts";
export { buildPages, pageTemplate } from "./page-template.ts";
export * from "./pages.ts";
