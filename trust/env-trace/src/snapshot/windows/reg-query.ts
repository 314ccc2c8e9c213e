/**
 * What `reg query KEY` prints: the key, and below it a line for each value: name, type and data with four spaces between, or tabs from
 * Windows XP. Types are the same in every language; what stands for the default value and the last line of a search are
 * not, and are told by their form.
 */
import { invalidSource } from "../statement.ts";
import { hiveOf, type ParsedRegistry, type RegistryHive, type RegistryValue } from "./registry-value.ts";

const valueLine = /^(?: {4}|\t)(.*?)(?: {4}|\t)(REG_[A-Z_]+)(?:(?: {4}|\t)(.*))?$/;

/** @throws ENV_SOURCE_INVALID */
export function parseRegQuery(text: string, where: string): ParsedRegistry {
  const values: RegistryValue[] = [];
  const remarks: string[] = [];
  let hive: RegistryHive | null = null;
  let keys = 0;
  let isInKey = false;
  /** A text of several lines goes on without indentation. */
  let isOpen = false;
  const lines = text.split(/\r?\n/);
  for (const [at, content] of lines.entries()) {
    const line = at + 1;
    if (content.trim() === "") {
      isOpen = false;
      continue;
    }
    if (/^HK[A-Z_]+\\/.test(content)) {
      hive = hiveOf(content.trimEnd());
      if (hive !== null) keys++;
      isInKey = true;
      isOpen = false;
      continue;
    }
    const found = valueLine.exec(content);
    if (found === null) {
      const last = values.at(-1);
      if (isOpen && last !== undefined && last.value !== null)
        values[values.length - 1] = { ...last, value: `${last.value}\n${content}` };
      else if (isInKey && /^[ \t]/.test(content))
        throw invalidSource(
          where,
          line,
          "a value must have a name, a type and data with four spaces between",
        );
      // What is left is said of a search as a whole, in the language of the machine.
      else if (!isInKey)
        throw invalidSource(where, line, "this stands before any key: it is not what reg query prints");
      continue;
    }
    if (!isInKey) throw invalidSource(where, line, "a value stands before any key");
    const [, name = "", type, data = ""] = found;
    isOpen = false;
    // The default value of a key, "(Default)" in the language of the machine, is no variable.
    if (hive === null || /^\(.*\)$/.test(name)) continue;
    if (type !== "REG_SZ" && type !== "REG_EXPAND_SZ") {
      remarks.push(`Line ${line} is no variable: it is ${type}.`);
      continue;
    }
    values.push({ hive, name, type, line, value: data });
    isOpen = true;
  }
  if (keys === 0)
    throw invalidSource(
      where,
      null,
      "it has no key of an environment, HKEY_CURRENT_USER\\Environment or that of the Session Manager",
    );
  return { values, remarks };
}
