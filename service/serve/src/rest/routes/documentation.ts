/** What the face says of itself: its OpenAPI document, and the page made from it. */
import { docsPage, docsPolicy } from "../docs-page.ts";
import { openApiDocument } from "../openapi.ts";
import { jsonAnswer, type Route } from "../route.ts";

/** @param routes what is described besides these two */
export function documentationRoutes(routes: readonly Route[]): readonly Route[] {
  const own: readonly Route[] = [
    {
      method: "GET",
      path: "/openapi.json",
      action: "metadata",
      operation: {
        id: "openApi",
        tag: "Documentation",
        summary: "OpenAPI document",
        description: "OpenAPI 3.1, made from the schemas that validate.",
        response: { "application/json": "OpenApi" },
        errors: [],
      },
      answer: ({ service }) => jsonAnswer(openApiDocument([...routes, ...own], service.metadata())),
    },
    {
      method: "GET",
      path: "/docs",
      action: "metadata",
      operation: {
        id: "docs",
        tag: "Documentation",
        summary: "Documentation page",
        description: "The OpenAPI document for people. It loads nothing else.",
        response: { "text/html": "bytes" },
        errors: [],
      },
      answer: ({ service }) => ({
        type: "text/html; charset=utf-8",
        headers: { "content-security-policy": docsPolicy, "x-content-type-options": "nosniff" },
        body: docsPage(openApiDocument([...routes, ...own], service.metadata())),
      }),
    },
  ];
  return own;
}
