/**
 * Builds what is published, each package in a folder of its own: JavaScript, declarations, its README, licence
 * and notices, and a package.json that points at them; and the engine's parts. In the repository itself the
 * sources run as they are.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { minimumNode } from "@cupel/base";
import { buildPages } from "@cupel/console";
import { cutEngine, enginePartName, enginePlaces, wholeEngine } from "./cut-engine.ts";
import { type Project, publishedManifest } from "./published-manifest.ts";
import { workspacePackages } from "./workspace-packages.ts";

/** Builds into `out`, which is emptied first. @returns the packages' folders, each after those it depends on */
export async function buildPackages(root: string, out: string): Promise<string[]> {
  rmSync(out, { recursive: true, force: true });
  await buildPages();
  const require = createRequire(join(root, "package.json"));
  const tsc = join(dirname(require.resolve("typescript/package.json")), "bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json"), "--outDir", out], {
    stdio: "inherit",
  });
  const project: Project = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const engine = dirname(require.resolve(`${wholeEngine}/package.json`));
  const places = enginePlaces(engine);
  const built: string[] = [];

  const notices = join(root, "tools/release/engine-notices");
  for (const place of places) {
    const target = join(out, "engine", `${place.platform}-${place.arch}`);
    cutEngine(engine, place, target, { project, notices });
    built.push(target);
  }

  const { version }: { version: string } = JSON.parse(readFileSync(join(engine, "package.json"), "utf8"));
  const substitution = { whole: wholeEngine, version, parts: places.map(enginePartName) };
  for (const { folder, manifest } of workspacePackages(root)) {
    const target = join(out, folder);
    mkdirSync(target, { recursive: true });
    const published = publishedManifest(manifest, { folder, project, minimumNode, engine: substitution });
    writeFileSync(join(target, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
    // What the compiler has not written: data beside the sources, and the other folders.
    for (const part of manifest.files ?? ["src"]) {
      for (const file of globSync(`${part}/**/*`, { cwd: join(root, folder), withFileTypes: true })) {
        if (!file.isFile() || /\.tsx?$/.test(file.name)) continue;
        const within = join(file.parentPath, file.name).slice(join(root, folder).length + 1);
        cpSync(join(root, folder, within), join(target, within));
      }
    }
    if (existsSync(join(root, folder, "README.md"))) {
      cpSync(join(root, folder, "README.md"), join(target, "README.md"));
    }
    cpSync(join(root, "LICENSE"), join(target, "LICENSE"));
    // What a package carries of others has a notice of its own, after the one of the house.
    const notices = [root, join(root, folder)]
      .map((at) => join(at, "NOTICE"))
      .filter((path) => existsSync(path));
    writeFileSync(join(target, "NOTICE"), notices.map((path) => readFileSync(path, "utf8")).join("\n"));
    built.push(target);
  }
  return built;
}
