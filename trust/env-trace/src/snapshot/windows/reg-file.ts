/**
 * `.reg` files, as `reg export` and regedit write them: "Windows Registry Editor Version 5.00", UTF-16 with a mark, and REGEDIT4, in the
 * code page of the machine. Bytes of `hex(2)` are UTF-16LE in the first and of the code page in the second, and go on over
 * lines that end with a backslash.
 */
import { isUtf8 } from "node:buffer";
import { decodeCodePage } from "../source-text.ts";
import { invalidSource } from "../statement.ts";
import { hiveOf, type ParsedRegistry, type RegistryHive, type RegistryValue } from "./registry-value.ts";

const signatures = new Map([
  ["Windows Registry Editor Version 5.00", 5],
  ["REGEDIT4", 4],
]);

/** @param codePage of bytes in a REGEDIT4 file that are no ASCII. @throws ENV_SOURCE_INVALID, ENV_SOURCE_ENCODING */
export function parseRegFile(text: string, where: string, codePage: string | undefined): ParsedRegistry {
  const lines = text.split(/\r\n|\n|\r/);
  const version = signatures.get(lines[0]?.trimEnd() ?? "");
  if (version === undefined) {
    throw invalidSource(
      where,
      1,
      'a .reg file begins with "Windows Registry Editor Version 5.00" or "REGEDIT4"',
    );
  }
  const values: RegistryValue[] = [];
  const remarks: string[] = [];
  let hive: RegistryHive | null = null;
  let keys = 0;
  for (let at = 1; at < lines.length; at++) {
    const line = at + 1;
    let content = lines[at]!.trim();
    if (content === "" || content.startsWith(";")) continue;
    if (content.startsWith("[")) {
      const key = /^\[(-?)([\s\S]*)\]$/.exec(content);
      if (key === null) throw invalidSource(where, line, "a key is not closed with ]");
      const [, deletes, path = ""] = key;
      hive = deletes === "-" ? null : hiveOf(path);
      if (hiveOf(path) !== null) keys++;
      if (deletes === "-" && hiveOf(path) !== null) remarks.push(`Line ${line} deletes a whole environment.`);
      continue;
    }
    // Bytes go on behind a backslash, a text within its quotes.
    while (/=hex(\([0-9a-f]+\))?:[^"]*\\$/i.test(content) && at + 1 < lines.length)
      content = content.slice(0, -1) + lines[++at]!.trim();
    while (/^("(?:\\.|[^"\\])*"|@)="(?:\\[\s\S]|[^"\\])*$/.test(content) && at + 1 < lines.length)
      content += `\n${lines[++at]!}`;
    const entry = /^(?:"((?:\\.|[^"\\])*)"|@)\s*=\s*([\s\S]*)$/.exec(content);
    if (entry === null) throw invalidSource(where, line, 'a value must be "NAME"=DATA or @=DATA');
    const [, name, data = ""] = entry;
    if (hive === null || name === undefined) continue;
    const found = dataOf(data, version, { where, line, codePage });
    if (found === null) remarks.push(`Line ${line} is no variable: it is neither REG_SZ nor REG_EXPAND_SZ.`);
    else values.push({ hive, name: unescaped(name), line, ...found });
  }
  if (keys === 0)
    throw invalidSource(
      where,
      null,
      "it has no key of an environment, HKEY_CURRENT_USER\\Environment or that of the Session Manager",
    );
  return { values, remarks };
}

interface Place {
  readonly where: string;
  readonly line: number;
  readonly codePage: string | undefined;
}

/** Null for a type that is no text. */
function dataOf(data: string, version: number, place: Place): Pick<RegistryValue, "type" | "value"> | null {
  if (/^-\s*(;.*)?$/.test(data)) return { type: "REG_SZ", value: null };
  const quoted = /^"((?:\\[\s\S]|[^"\\])*)"\s*(;.*)?$/.exec(data)?.[1];
  if (quoted !== undefined) return { type: "REG_SZ", value: unescaped(quoted) };
  if (data.startsWith('"')) throw invalidSource(place.where, place.line, "a text is not closed with a quote");
  const found = /^hex(?:\(([0-9a-f]+)\))?:([^;]*)/i.exec(data);
  if (found === null) {
    if (/^dword:[0-9a-f]{1,8}\s*(;.*)?$/i.test(data)) return null;
    throw invalidSource(place.where, place.line, "this is no data that a .reg file can have");
  }
  const [, type = "3", list = ""] = found;
  const pieces = list.split(",").map((each) => each.trim());
  if (pieces.at(-1) === "") pieces.pop();
  if (!pieces.every((each) => /^[0-9a-f]{1,2}$/i.test(each))) {
    throw invalidSource(
      place.where,
      place.line,
      "bytes must be two hexadecimal digits each, with commas between",
    );
  }
  if (type !== "1" && type !== "2") return null;
  const bytes = Buffer.from(pieces.map((each) => Number.parseInt(each, 16)));
  if (version === 5 && bytes.length % 2 === 1) {
    throw invalidSource(
      place.where,
      place.line,
      "a text in UTF-16 has an odd number of bytes: it was cut off",
    );
  }
  return {
    type: type === "1" ? "REG_SZ" : "REG_EXPAND_SZ",
    value: decoded(bytes, version, place).replace(/\0[\s\S]*$/, ""),
  };
}

function decoded(bytes: Buffer, version: number, { where, line, codePage }: Place): string {
  if (version === 5) return bytes.toString("utf16le");
  if (bytes.every((byte) => byte < 0x80)) return bytes.toString("latin1");
  if (codePage !== undefined) return decodeCodePage(bytes, `${where}, line ${line}`, codePage);
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw invalidSource(where, line, "bytes of a code page: say which with --code-page, such as windows-1252");
}

function unescaped(text: string): string {
  return text.replaceAll(/\\([\s\S])/g, "$1");
}
