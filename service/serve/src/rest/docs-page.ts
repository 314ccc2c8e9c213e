/** The OpenAPI document as a page for people: plain HTML without a script, a font or any request to elsewhere. */
import { own } from "@cupel/base";
import type { OpenApiDocument, OpenApiOperation, OpenApiParameter } from "./openapi.ts";

/** Sent with the page: it may load nothing. */
export const docsPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const style = `
:root { color-scheme: light dark; --line: light-dark(#d8dce2, #3a414b); --quiet: light-dark(#5a6472, #9aa5b4);
  --code: light-dark(#f3f5f8, #20252c); --accent: light-dark(#1557b0, #8ab8ff); }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem;
  background: light-dark(#ffffff, #15181d); color: light-dark(#1b2027, #e4e8ee); }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; }
p { margin: .4rem 0; } a { color: var(--accent); } .quiet { color: var(--quiet); }
code, pre { font: .9em/1.5 ui-monospace, monospace; background: var(--code); border-radius: 4px; }
code { padding: .1em .3em; overflow-wrap: anywhere; } pre { padding: .75rem 1rem; overflow-x: auto; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: 0 1rem; }
summary { cursor: pointer; padding: .6rem 0; overflow-wrap: anywhere; } summary b { display: inline-block; min-width: 3.2rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; } th { font-weight: 600; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-top: 1px solid var(--line); }
`;

export function docsPage({ info, tags, paths, components }: OpenApiDocument): string {
  const title = escapeHtml(String(info.title));
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const sections = tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    const parts = own.map(({ path, method, operation }) => operationPart(path, method, operation));
    return `<section><h2>${escapeHtml(name)}</h2><p class="quiet">${prose(description)}</p>${parts.join("")}</section>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${style}</style></head><body>
<header><h1>${title}</h1><p class="quiet">Version ${escapeHtml(String(info.version))}.
<a href="/openapi.json">OpenAPI 3.1 document</a></p><p>${prose(String(info.description))}</p></header>
<main>${sections.join("")}${schemasPart(components.schemas)}</main></body></html>
`;
}

function operationPart(path: string, method: string, operation: OpenApiOperation): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const answers = Object.entries(responses).map(([status, response]) => [
    `<code>${status}</code>`,
    `${prose(response.description)} ${bodies(response.content)}`,
  ]);
  return `<details id="${operationId}"><summary><b>${method.toUpperCase()}</b> <code>${escapeHtml(path)}</code> <span class="quiet">${escapeHtml(summary)}</span></summary>
<p>${prose(description)}</p>
${parameters.length > 0 ? table(["Parameter", "In", "Meaning"], parameters.map(parameterRow)) : ""}
${requestBody ? `<p>Body${requestBody.required ? "" : " (may be left out)"}: ${bodies(requestBody.content)}</p>` : ""}
${table(["Status", "Answer"], answers)}</details>`;
}

function parameterRow({ name, in: place, description, schema }: OpenApiParameter): string[] {
  return [
    `<code>${escapeHtml(name)}</code>`,
    place,
    `${prose(description)} <code>${escapeHtml(JSON.stringify(schema))}</code>`,
  ];
}

function bodies(content: OpenApiOperation["responses"][string]["content"]): string {
  return Object.entries(content ?? {})
    .map(([type, { schema }]) => {
      const name = referenced(schema);
      const link = name === null ? "" : ` <a href="#${escapeHtml(name)}">${escapeHtml(name)}</a>`;
      return `<code>${escapeHtml(type)}</code>${link}`;
    })
    .join(", ");
}

function referenced(schema: unknown): string | null {
  if (typeof schema !== "object" || schema === null || !("$ref" in schema)) return null;
  return String(schema.$ref).split("/").at(-1) ?? null;
}

function schemasPart(schemas: unknown): string {
  const parts = Object.entries(typeof schemas === "object" && schemas !== null ? schemas : {}).map(
    ([name, schema]: [string, unknown]) =>
      `<details id="${escapeHtml(name)}"><summary><code>${escapeHtml(name)}</code></summary><pre>${escapeHtml(JSON.stringify(schema, null, 2))}</pre></details>`,
  );
  return `<section><h2>Schemas</h2><p class="quiet">JSON Schema 2020-12. What arrives is held to them.</p>${parts.join("")}</section>`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((each) => `<th scope="col">${each}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("");
  return `<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

/** Text with code between backquotes. */
function prose(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => own(entities, character) ?? character);
}
