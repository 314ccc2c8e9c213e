/** `npm run guard`: prints what the guard finds, and fails when it finds something. */
import { fileURLToPath } from "node:url";
import { checkRepository, violationText } from "./check.ts";
import { readRepository } from "./read-repository.ts";
import { guardTable } from "./table.ts";

const found = checkRepository(readRepository(fileURLToPath(new URL("../..", import.meta.url))), guardTable);
for (const each of found) console.log(violationText(each));
if (found.length > 0) process.exitCode = 1;
