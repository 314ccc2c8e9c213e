/** docs/openapi.json: the OpenAPI document that a server answers at /openapi.json, for who generates code from it. */
import { openApiDocument } from "../src/rest/openapi.ts";
import { routes } from "../src/rest/routes/routes.ts";

export const openApiPath = "docs/openapi.json";

export function openApiPage(): string {
  const document = openApiDocument(routes, { name: "cupel", version: "0.1.0", extensions: [] });
  return `${JSON.stringify(document, null, 1)}\n`;
}
