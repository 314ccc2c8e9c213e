/** Keys from a file that nobody else may read. */
import type { Stats } from "node:fs";
import { openRegular, reasonOf } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import type { KeyProvider } from "./key-provider.ts";
import { createLocalKeys } from "./local-keys.ts";

/** Read and write of the group and of all others. */
const OTHERS = 0o077;

/** Rows as `createLocalKeys` takes them. @throws MASKING_KEY_INVALID */
export async function openFileKeys(path: string): Promise<KeyProvider> {
  const name = `the key file ${path}`;
  let text: string;
  try {
    await using file = await openRegular(path);
    assertClosed(path, await file.stat());
    text = await file.readFile("utf8");
  } catch (thrown) {
    throw auditErrors.error(
      "MASKING_KEY_INVALID",
      `The key file ${path} cannot be read: ${reasonOf(thrown)}.`,
      {
        cause: thrown,
      },
    );
  }
  return createLocalKeys(name, text);
}

/** Windows has no such modes. */
function assertClosed(path: string, { mode, uid }: Stats): void {
  if (process.platform === "win32") return;
  const user = process.getuid?.() ?? uid;
  if (uid !== user && uid !== 0)
    throw new Error(`it belongs to the user ${uid}. Make it your own: chown ${user} ${path}`);
  if ((mode & OTHERS) !== 0) {
    throw new Error(
      `others may read or write it (mode ${(mode & 0o777).toString(8)}). Close it: chmod 600 ${path}`,
    );
  }
}
