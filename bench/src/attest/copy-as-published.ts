/**
 * The packages as they are published, without types: Node.js strips them in each thread anew, which takes 12 MB of memory
 * that no user's process needs.
 */
import { globSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** All that the reader of archives needs, by the name below @cupel. */
const packages = ["base", "attest"];
const reader = fileURLToPath(new URL("./digest-archive.ts", import.meta.url));

/** @returns the reader's module in it */
export async function copyAsPublished(folder: string): Promise<string> {
  for (const name of packages) {
    const from = dirname(fileURLToPath(import.meta.resolve(`@cupel/${name}`)));
    const to = join(folder, "node_modules/@cupel", name);
    await mkdir(to, { recursive: true });
    await writeFile(join(to, "package.json"), '{"type":"module","exports":"./src/index.js"}');
    for (const path of globSync("**/*.ts", { cwd: from })) {
      await copy(join(from, path), join(to, "src", asScript(path)));
    }
  }
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await copy(reader, join(folder, "digest-archive.js"));
  return join(folder, "digest-archive.js");
}

async function copy(from: string, to: string): Promise<void> {
  const script = stripTypeScriptTypes(await readFile(from, "utf8"));
  await mkdir(dirname(to), { recursive: true });
  await writeFile(
    to,
    script.replaceAll(/"(\.{1,2}\/[^"]+\.ts)"/g, (_, path: string) => `"${asScript(path)}"`),
  );
}

function asScript(path: string): string {
  return path.replace(/\.ts$/, ".js");
}
