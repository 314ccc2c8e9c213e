/**
 * Builds the page into one HTML file: Vite bundles script and style in memory, and both are written
 * into the shell. No plugin: what is inlined, and how it is escaped, is these few lines.
 */
import { createHash } from "node:crypto";
import { readFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf, writeFileAtomically } from "@cupel/base";
import { consoleErrors } from "./errors.ts";

/**
 * Builds the sources in `page` and writes the template to `target`, whole or not at all. Needs Vite,
 * a development dependency.
 * @throws TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function buildReportTemplate(page: string, target: string): Promise<void> {
  // The file is dated by its start: a source saved while Vite runs makes it stale, as it should.
  const started = new Date();
  const { script, style } = await bundle(page);
  const safeScript = escapeScript(script);
  const digest = createHash("sha256").update(safeScript).digest("base64");
  const slots: Readonly<Record<string, string>> = {
    "slot:digest": `sha256-${digest}`,
    "<!-- slot:style -->": `<style>${style}</style>`,
    "<!-- slot:script -->": `<script type="module">${safeScript}</script>`,
  };
  const shell = await readFile(join(page, "shell.html"), "utf8");
  const html = shell.replace(/slot:digest|<!-- slot:(style|script) -->/g, (slot) => slots[slot] ?? slot);
  await writeFileAtomically(target, html);
  await utimes(target, started, started);
}

async function bundle(page: string): Promise<{ script: string; style: string }> {
  try {
    const { build } = await import("vite");
    const result = await build({
      root: page,
      configFile: false,
      envDir: false,
      publicDir: false,
      logLevel: "error",
      define: { "process.env.NODE_ENV": '"production"' },
      oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
      build: {
        write: false,
        target: "es2022",
        cssCodeSplit: false,
        modulePreload: false,
        rolldownOptions: { input: join(page, "main.tsx"), output: { codeSplitting: false } },
      },
    });
    const output = [result].flat().flatMap((part) => ("output" in part ? part.output : []));
    const script = output.flatMap((file) => (file.type === "chunk" ? [file.code] : []));
    const style = output.flatMap((file) => (file.type === "asset" ? [String(file.source)] : []));
    if (script.length !== 1) throw new Error(`expected one script, got ${script.length}`);
    return { script: script.join(""), style: style.join("\n") };
  } catch (thrown) {
    throw consoleErrors.error(
      "TEMPLATE_BUILD_FAILED",
      `Could not build the report page in ${page}: ${reasonOf(thrown)}. Run npm ci to install Vite, or see the sources.`,
      { cause: thrown },
    );
  }
}

/** Inside strings, where alone they can occur, `\x3c` is the same character to JavaScript and nothing to HTML. */
function escapeScript(script: string): string {
  return script.replaceAll(/<(?=\/script|script|!--)/gi, "\\x3c");
}
