/** Reads what the guard checks: every source of the repository and every manifest. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Manifest, Repository } from "./check.ts";

const sourceFolders = "{base,model,service,trust,app,bench,tools,examples}";

/** @param root of the repository. */
export function readRepository(root: string): Repository {
  const find = (pattern: string) =>
    globSync(pattern, {
      cwd: root,
      exclude: (name) => name === "node_modules" || name === "dist",
    })
      .map((path) => path.replaceAll("\\", "/"))
      .sort();
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  const manifests = new Map<string, Manifest>();
  for (const folder of ["", ...find("{base,bench,{model,service,trust,app}/*}")]) {
    const path = join(folder, "package.json");
    if (existsSync(join(root, path))) manifests.set(folder, JSON.parse(read(path)));
  }
  const sources = find(`${sourceFolders}/**/*.{ts,tsx,mts,js,jsx,mjs,cjs}`);
  return { sources: new Map(sources.map((path) => [path, read(path)])), manifests };
}
