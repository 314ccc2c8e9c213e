/** Reading a file of labels or class names: missing or unreadable is missing input, and what is no text is said so. */

import { readRegular, reasonOf } from "@cupel/base";
import { visionErrors } from "../errors.ts";

/** @param what such as "labels". @throws LABEL_FILE_MISSING */
export async function readLabelFile(path: string, what: string): Promise<Buffer> {
  try {
    return await readRegular(path);
  } catch (thrown) {
    throw visionErrors.error(
      "LABEL_FILE_MISSING",
      `Could not read the ${what} in ${path}: ${reasonOf(thrown)}. Check the path.`,
      { cause: thrown, details: { path } },
    );
  }
}

/** As UTF-8, without a byte-order mark. @throws LABEL_FILE_MISSING, IMAGE_SOURCE_DAMAGED */
export async function readLabelText(path: string, what: string): Promise<string> {
  const bytes = await readLabelFile(path, what);
  const refuse = (problem: string) =>
    visionErrors.error("IMAGE_SOURCE_DAMAGED", `The ${what} in ${path} ${problem}.`, { details: { path } });
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw refuse("are UTF-16: save them as UTF-8");
  }
  if (bytes.includes(0)) throw refuse("are not text: give a text file in UTF-8");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw refuse("are not UTF-8: save them as UTF-8");
  }
}
