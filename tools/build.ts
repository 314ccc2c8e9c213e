/**
 * Builds what is published: for each package `dist/NAME/` with JavaScript, declarations, its README and a
 * package.json that points at them. In the repository itself the sources run as they are.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { reportTemplate } from "@cupel/console";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "dist");

interface Manifest {
  name: string;
  private?: boolean;
  exports?: unknown;
  bin?: Record<string, string>;
  devDependencies?: unknown;
  [key: string]: unknown;
}

rmSync(out, { recursive: true, force: true });
await reportTemplate();
execFileSync("tsc", ["-p", join(root, "tsconfig.build.json")], { stdio: "inherit" });

for (const path of globSync(["base", "model/*", "service/*", "app/*"], { cwd: root })) {
  const manifestPath = join(root, path, "package.json");
  if (!existsSync(manifestPath)) continue;
  const manifest: Manifest = JSON.parse(readFileSync(manifestPath, "utf8"));
  if (manifest.private) continue;
  const target = join(out, path);
  mkdirSync(target, { recursive: true });
  const { devDependencies: _, ...kept } = manifest;
  const published = {
    ...kept,
    engines: { node: ">=24" },
    exports: { ".": { types: "./src/index.d.ts", default: "./src/index.js" } },
    ...(manifest.bin
      ? {
          bin: Object.fromEntries(
            Object.entries(manifest.bin).map(([k, v]) => [k, v.replace(/\.ts$/, ".js")]),
          ),
        }
      : {}),
  };
  writeFileSync(join(target, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
  for (const extra of ["README.md", "dist", "models"]) {
    if (existsSync(join(root, path, extra)))
      cpSync(join(root, path, extra), join(target, extra), { recursive: true });
  }
  cpSync(join(root, "LICENSE"), join(target, "LICENSE"));
  console.log(`built ${manifest.name} in dist/${path}`);
}
