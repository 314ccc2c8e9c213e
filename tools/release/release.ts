/**
 * `npm run release`: builds every package, packs it into dist/tarballs, checks the tarballs, and says what is in
 * them. Publishes only when it is told to with --publish, from a clean checkout, logged in to npm.
 *
 *   npm run release -- --dry-run    build, pack, check; lists the contents
 *   npm run release -- --publish    the same, then publishes
 */
import { execFileSync } from "node:child_process";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildPackages } from "./build-packages.ts";
import { npm } from "./npm.ts";
import { pack, type Tarball } from "./pack.ts";
import { packageFindings, versionFindings } from "./package-findings.ts";
import { publishOrder } from "./publish-order.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const out = join(root, "dist");
const { values: options } = parseArgs({
  options: { "dry-run": { type: "boolean", default: false }, publish: { type: "boolean", default: false } },
});
if (options["dry-run"] && options.publish) fail("--dry-run and --publish contradict each other.");
if (options.publish) checkMayPublish();

const tarballs = (await buildPackages(root, out)).map((folder) => pack(folder, join(out, "tarballs")));
if (options["dry-run"]) for (const tarball of tarballs) printContents(tarball);
console.log();
for (const tarball of tarballs) console.log(sizeLine(tarball));

const findings = checkTarballs(tarballs);
for (const finding of findings) console.error(finding);
if (findings.length > 0) fail(`${findings.length} findings; nothing is published.`);
console.log(
  `\n${tarballs.length} packages in ${relative(process.cwd(), join(out, "tarballs"))}, no findings`,
);

const order = publishOrder(tarballs.map(({ manifest }) => manifest));
if (options.publish) publish(order);
else if (!options["dry-run"]) {
  for (const { name, version } of order) console.log(`would publish ${name} ${version}`);
  fail("Nothing is published: say --publish to publish, or --dry-run to be content with this.");
}

function checkTarballs(all: readonly Tarball[]): string[] {
  const versions = new Map(all.map(({ manifest }) => [manifest.name, manifest.version]));
  // The engine's own binaries name the folders in which they were built; those are not of this machine.
  const machineFolders = [root.replace(/[\\/]$/, ""), homedir()].filter((folder) => folder.length > 5);
  return [
    ...versionFindings(versions),
    ...all.flatMap((tarball) => packageFindings(tarball, { versions, machineFolders })),
  ];
}

function checkMayPublish(): void {
  const changed = execFileSync("git", ["status", "--porcelain"], { cwd: root, encoding: "utf8" });
  if (changed !== "") fail(`The checkout has changes that are not committed:\n${changed}`);
  try {
    console.log(`publishing as ${npm(["whoami"], { cwd: root }).trim()}`);
  } catch {
    fail("npm does not know who publishes: npm whoami failed. Log in with npm login.");
  }
}

/** Parts of the engine change only with the engine: one that is there already is not published again. */
function publish(order: readonly { readonly name: string; readonly version: string }[]): void {
  for (const { name, version } of order) {
    if (isPublished(name, version)) {
      console.log(`${name} ${version} is published already`);
      continue;
    }
    const tarball = tarballs.find(({ manifest }) => manifest.name === name)!;
    console.log(npm(["publish", tarball.path, "--access", "public"], { cwd: root }).trim());
  }
}

function isPublished(name: string, version: string): boolean {
  try {
    return npm(["view", `${name}@${version}`, "version"], { cwd: root }).trim() === version;
  } catch (thrown) {
    if (thrown instanceof Error && thrown.message.includes("E404")) return false;
    throw thrown;
  }
}

function printContents({ manifest, files }: Tarball): void {
  console.log(`\n${manifest.name} ${manifest.version}`);
  for (const { path, bytes } of files) console.log(`  ${kilobytes(bytes.length).padStart(9)}  ${path}`);
}

function sizeLine({ manifest, files, size, unpackedSize }: Tarball): string {
  const name = `${manifest.name} ${manifest.version}`.padEnd(32);
  const count = `${files.length} files`.padStart(10);
  return `${name}${count}  ${kilobytes(size).padStart(9)} packed  ${kilobytes(unpackedSize).padStart(9)} unpacked`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)} kB`;
}

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
