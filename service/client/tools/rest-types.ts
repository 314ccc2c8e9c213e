/**
 * The types of the REST face are generated from the OpenAPI document. The file carries the digest of the document, so
 * that a test can say when the document has moved on, without the generator.
 */
import { hash } from "node:crypto";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");
export const documentPath = join(root, "docs/openapi.json");
export const typesPath = join(import.meta.dirname, "../src/rest/gen/rest-api.ts");

/** The first line of the generated file. @param document its bytes as text */
export function headerOf(document: string): string {
  return `// Generated from docs/openapi.json (SHA-256 ${hash("sha256", document, "hex")}) by npm run generate.`;
}
