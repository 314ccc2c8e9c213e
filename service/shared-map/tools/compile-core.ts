/**
 * Compiles `src/core/*.ts` to WebAssembly. The core is written in the part of TypeScript that AssemblyScript
 * compiles with the same meaning, so the text that runs on V8 as WebAssembly is the text that runs as
 * TypeScript, and the text whose interleavings are explored. Only `machine.ts` is replaced.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

interface Compiler {
  main(
    options: readonly string[],
    host: {
      readFile(name: string): string | null;
      writeFile(name: string, contents: Uint8Array | string): void;
      listFiles(): string[];
    },
  ): Promise<{ error: Error | null; stderr: { toString(): string } }>;
}

/** By a name that TypeScript does not look into: the package's types redefine globals such as `console`. */
const compilerName = "assemblyscript/asc";

const folder = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** 4 GiB, what 32-bit addresses reach: the most that a memory may declare. */
const maximumPages = "65536";

/** What is AssemblyScript's own: in place of a file of the core, or beside it. */
const assembly = new Set(["machine", "text"]);

function sourceOf(name: string): string {
  const path = assembly.has(name) ? folder(`./${name}.as`) : folder(`../src/core/${name}.ts`);
  return (
    readFileSync(path, "utf8")
      // Types of the machine are AssemblyScript's own.
      .replace(/import type \{[^}]*\} from "[^"]*";\n/g, "")
      .replace(/\btype \w+,?\s*/g, (found) => (/^type \w+,|^type \w+ /.test(found) ? "" : found))
      .replace(/from "\.\/([a-z-]+)\.ts"/g, 'from "./$1"')
  );
}

/** The module's bytes: the same for the same sources and compiler. */
export async function compileCore(): Promise<Uint8Array> {
  const written = new Map<string, Uint8Array | string>();
  const { main }: Compiler = await import(compilerName);
  const { error, stderr } = await main(
    [
      "core.ts",
      "text.ts",
      ..."-O3 --converge --runtime stub --noAssert --enable threads --enable reference-types --importMemory --sharedMemory".split(
        " ",
      ),
      ..."--initialMemory 1 --noExportMemory --maximumMemory".split(" "),
      maximumPages,
      ..."--outFile core.wasm".split(" "),
    ],
    {
      readFile: (name) => (name.endsWith(".json") ? null : sourceOf(basename(name, ".ts"))),
      writeFile: (name, contents) => void written.set(name, contents),
      listFiles: () => [],
    },
  );
  const bytes = written.get("core.wasm");
  if (error !== null || !(bytes instanceof Uint8Array)) {
    throw new Error(`The core did not compile: ${error?.message ?? "no bytes"}\n${stderr.toString()}`);
  }
  return bytes;
}
