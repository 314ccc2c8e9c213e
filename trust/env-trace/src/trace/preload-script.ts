/**
 * Makes the preload of a trace: one CommonJS script out of `preload/`, with the settings of the trace in it. In the
 * repository its types are taken out by Node.js, and as published there are none; so it is made without a bundler, which
 * is not there when it is needed. Each module becomes a function that is called once, in the order of the imports. That
 * they are written in the few forms that are understood here is tested, by running it.
 */
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { moduleBeside } from "@cupel/base";
import type { TraceSettings } from "./trace-settings.ts";

const entry = moduleBeside(import.meta.url, "preload/preload");

/** `import D, { a as b } from "x";`, of several lines too. */
const importForm = /^import\s+(?:(\w+)|\* as (\w+))?(?:,\s*)?(?:\{([^}]*)\})?\s*from\s+"([^"]+)";$/gm;
const exportForm = /^export (?=(?:async )?(?:function|class|const|let) (\w+))/gm;

export async function preloadScript(settings: TraceSettings): Promise<string> {
  const strip = await stripper();
  const numbers = new Map<string, number>();
  const parts: string[] = [];

  function add(url: URL): number {
    const known = numbers.get(url.href);
    if (known !== undefined) return known;
    const imports: string[] = [];
    const exported: string[] = [];
    const body = strip(readFileSync(url, "utf8"))
      .replaceAll(
        importForm,
        (_all, whole: string, namespace: string, names: string | undefined, from: string) => {
          const source = from.startsWith(".")
            ? `m${add(new URL(from, url))}`
            : `require(${JSON.stringify(from)})`;
          for (const name of [whole, namespace])
            if (name !== undefined) imports.push(`const ${name} = ${source};`);
          if (names !== undefined)
            imports.push(`const {${names.replaceAll(/(\w+)\s+as\s+(\w+)/g, "$1: $2")}} = ${source};`);
          return "";
        },
      )
      .replaceAll(exportForm, (_all, name: string) => {
        exported.push(name);
        return "";
      });
    const number = numbers.size;
    numbers.set(url.href, number);
    parts.push(
      `const m${number} = (() => {\n${imports.join("\n")}\n${body}\nreturn { ${exported.join(", ")} };\n})();`,
    );
    return number;
  }

  const last = add(entry);
  return `"use strict";\n{\n${parts.join("\n")}\nm${last}.startTrace(${JSON.stringify(settings)}, __filename);\n}\n`;
}

/** Published modules are JavaScript already. */
async function stripper(): Promise<(text: string) => string> {
  if (extname(fileURLToPath(entry)) !== ".ts") return (text) => text;
  const { stripTypeScriptTypes } = await import("node:module");
  const { emitWarning } = process;
  // That it is experimental is no concern of whoever traces.
  process.emitWarning = () => {};
  try {
    stripTypeScriptTypes("");
  } finally {
    process.emitWarning = emitWarning;
  }
  return (text) => stripTypeScriptTypes(text);
}
