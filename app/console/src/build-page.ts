/**
 * Builds a page into one HTML file: Vite bundles script and style in memory, and both are written into the
 * shared shell. No plugin: what is inlined, and how it is escaped, is these few lines.
 */
import { createHash } from "node:crypto";
import { readFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { own, reasonOf, writeFileAtomically } from "@cupel/base";
import { consoleErrors } from "./errors.ts";
import { type Library, librariesOf, noticeHtml } from "./library-notices.ts";
import { pagePolicy } from "./page-policy.ts";
import { pageFolder, shellFile, templateFile } from "./page-sources.ts";

/**
 * Builds the sources in `pages/NAME` and writes the template, whole or not at all. Needs Vite, a development
 * dependency.
 * @returns the libraries inside the page
 * @throws TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function buildPage(name: string): Promise<readonly Library[]> {
  // The file is dated by its start: a source saved while Vite runs makes it stale, as it should.
  const started = new Date();
  const { script, style, libraries } = await bundle(pageFolder(name));
  const safeScript = escapeScript(script);
  const digests = { script: digestOf(safeScript), style: digestOf(style) };
  const slots: Readonly<Record<string, string>> = {
    "slot:policy": pagePolicy(name, digests),
    "<!-- slot:style -->": `<style>${style}</style>`,
    "<!-- slot:licences -->": noticeHtml(libraries),
    "<!-- slot:script -->": `<script type="module">${safeScript}</script>`,
  };
  const shell = await readFile(shellFile, "utf8");
  const html = shell.replace(
    /slot:policy|<!-- slot:(style|licences|script) -->/g,
    (slot) => own(slots, slot) ?? slot,
  );
  const target = templateFile(name);
  await writeFileAtomically(target, html);
  await utimes(target, started, started);
  return libraries;
}

/** As a content policy names what is inline. */
function digestOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

interface Bundle {
  readonly script: string;
  readonly style: string;
  readonly libraries: readonly Library[];
}

async function bundle(folder: string): Promise<Bundle> {
  try {
    const { build } = await import("vite");
    const result = await build({
      root: folder,
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
        rolldownOptions: { input: join(folder, "main.tsx"), output: { codeSplitting: false } },
      },
    });
    const output = [result].flat().flatMap((part) => ("output" in part ? part.output : []));
    const scripts = output.flatMap((file) => (file.type === "chunk" ? [file] : []));
    const style = output.flatMap((file) => (file.type === "asset" ? [String(file.source)] : []));
    const [script] = scripts;
    if (script === undefined || scripts.length > 1) {
      throw new Error(`expected one script, got ${scripts.length}`);
    }
    return {
      script: script.code,
      style: style.join("\n"),
      libraries: await librariesOf(Object.keys(script.modules)),
    };
  } catch (thrown) {
    throw consoleErrors.error(
      "TEMPLATE_BUILD_FAILED",
      `Could not build the page in ${folder}: ${reasonOf(thrown)}. Run npm ci to install Vite, or see the sources.`,
      { cause: thrown },
    );
  }
}

/** Inside strings, where alone they can occur, `\x3c` is the same character to JavaScript and nothing to HTML. */
function escapeScript(script: string): string {
  return script.replaceAll(/<(?=\/script|script|!--)/gi, "\\x3c");
}
