/** `npm run build`: builds what is published into dist/. */
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPackages } from "./release/build-packages.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
for (const folder of await buildPackages(root, join(root, "dist")))
  console.log(`built ${relative(root, folder)}`);
