/**
 * `npm run generate` ends with this: enumerations of generated code become objects, because Node runs TypeScript only
 * where types can be erased, and an `enum` is code. The argument is the folder of the generated code.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
if (folder === undefined) {
  console.error("Give the folder of the generated code.");
  process.exit(64);
}
for (const name of globSync("**/*.ts", { cwd: folder })) {
  const path = join(folder, name);
  const source = readFileSync(path, "utf8");
  const erased = source.replace(
    /export enum (\w+) \{\n(.*?)\n\}/gs,
    (_whole, type: string, members: string) =>
      `export const ${type} = {\n${members.replace(/^( {2}\w+) = (-?\d+),$/gm, "$1: $2,")}\n} as const;\n` +
      `export type ${type} = (typeof ${type})[keyof typeof ${type}];`,
  );
  if (erased !== source) writeFileSync(path, erased);
}
