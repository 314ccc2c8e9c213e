/**
 * The checker of logs of tessera (Go) goes through logs that we wrote, whole ones and changed ones.
 * `node tools/conformance/audit-fsck.ts`; CUPEL_FSCK names the program, by default `fsck` where that is tessera's.
 * It is got by `go install github.com/transparency-dev/tessera/cmd/fsck@latest`.
 */
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { formatNoteKey, generateNoteKey } from "@cupel/audit";
import { openTemporaryFolder } from "@cupel/base";
import { sampleLog } from "./audit-sample-log.ts";
import { skip } from "./run-tool.ts";

const fsck = process.env.CUPEL_FSCK ?? "fsck";
// Systems have a program of that name that checks disks.
const usage = spawnSync(fsck, ["-help"], { encoding: "utf8" });
if (!`${usage.stdout}${usage.stderr}`.includes("-storage_url")) skip("fsck of tessera", `${fsck} is not it`);

let failed = 0;
function expect(name: string, isRight: boolean, printed: string): void {
  console.log(`${isRight ? "ok  " : "FAIL"} ${name}`);
  if (isRight) return;
  failed++;
  console.log(printed);
}

function check(folder: string, keyFile: string): { readonly accepts: boolean; readonly printed: string } {
  const url = `${pathToFileURL(folder).href}/`;
  const { status, stdout, stderr } = spawnSync(
    fsck,
    // A single worker that finds a fault leaves nobody to go on, and the program never ends.
    ["-storage_url", url, "-public_key", keyFile, "-ui=false", "-N", "8"],
    { encoding: "utf8", timeout: 60_000 },
  );
  const printed = `${stdout}${stderr}`;
  const start = `status ${status}\n${printed.slice(0, 1_000)}`;
  // It ends with status 0 whatever it found.
  if (status !== 0) throw new Error(`fsck did not come to its end: ${start}`);
  return { accepts: !printed.includes("fsck failed"), printed: start };
}

await using folder = await openTemporaryFolder("fsck");
await using keys = await openTemporaryFolder("fsck");
const key = generateNoteKey("example.com/audit");
const keyFile = join(keys.path, "key");
await writeFile(keyFile, formatNoteKey(key));
const log = sampleLog(folder.path, key);
let size = 0;
for (const next of [1, 2, 255, 256, 257, 511, 1_000, 65_536, 66_000]) {
  await log.grow(next - size);
  size = next;
  const { accepts, printed } = check(folder.path, keyFile);
  expect(`a log of ${size} entries`, accepts, printed);
}

for (const path of [
  "tile/entries/007",
  "tile/0/007",
  "tile/1/000",
  "tile/2/000.p/1",
  "tile/entries/257.p/208",
]) {
  const file = join(folder.path, path);
  const original = await readFile(file);
  const changed = Buffer.from(original);
  changed[20] = (changed[20] ?? 0) ^ 1;
  await writeFile(file, changed);
  const { accepts, printed } = check(folder.path, keyFile);
  expect(`a byte of ${path} changed is found`, !accepts, printed);
  await writeFile(file, original);
}
console.log(`${failed === 0 ? "all passed" : `${failed} failed`}`);
process.exitCode = failed > 0 ? 1 : 0;
