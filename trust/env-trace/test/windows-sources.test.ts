/** Environments as Windows has them: `.reg` exports, what `reg query` prints, and what both come to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { windowsText } from "../src/snapshot/source-text.ts";
import { parseRegFile } from "../src/snapshot/windows/reg-file.ts";
import { parseRegQuery } from "../src/snapshot/windows/reg-query.ts";
import type { ParsedRegistry } from "../src/snapshot/windows/registry-value.ts";
import { joinRegistry } from "../src/snapshot/windows/windows-environment.ts";
import { code, valuesOf } from "./support/statements.ts";

const registry = ({ values: found }: ParsedRegistry) =>
  found.map(({ hive, name, type, value }) => [hive, name, type, value]);
const hex16 = (text: string) =>
  [...Buffer.from(`${text}\0`, "utf16le")].map((byte) => byte.toString(16).padStart(2, "0"));

test(".reg files: UTF-16 and REGEDIT4, bytes over lines, escapes, other keys and types", () => {
  const bytes = hex16("%A%;x");
  const text = [
    "Windows Registry Editor Version 5.00",
    "",
    "[HKEY_CURRENT_USER\\Environment]",
    `"Path"=hex(2):${bytes.slice(0, 5).join(",")},\\`,
    `  ${bytes.slice(5).join(",")}`,
    '"Quote"="say \\"hi\\" \\\\" ; a comment',
    '@="default"',
    '"Count"=dword:0000002a',
    '"Gone"=-',
    "[HKEY_CURRENT_USER\\Software\\Environment]",
    '"NOT"="1"',
    "[-HKEY_CURRENT_USER\\Environment\\Old]",
    "[HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Control\\Session Manager\\Environment]",
    '"变量"="值"',
  ].join("\r\n");
  const parsed = parseRegFile(
    windowsText(Buffer.from(`\ufeff${text}`, "utf16le"), "x.reg", undefined),
    "x.reg",
    undefined,
  );
  assert.deepEqual(registry(parsed), [
    ["user", "Path", "REG_EXPAND_SZ", "%A%;x"],
    ["user", "Quote", "REG_SZ", 'say "hi" \\'],
    ["user", "Gone", "REG_SZ", null],
    ["machine", "变量", "REG_SZ", "值"],
  ]);
  const old = (data: string) => `REGEDIT4\r\n[HKEY_CURRENT_USER\\Environment]\r\n"A"=${data}\r\n`;
  assert.deepEqual(registry(parseRegFile(old("hex(2):25,41,25,00"), "x", undefined)), [
    ["user", "A", "REG_EXPAND_SZ", "%A%"],
  ]);
  assert.deepEqual(registry(parseRegFile(old("hex(2):e4,00"), "x", "windows-1252")), [
    ["user", "A", "REG_EXPAND_SZ", "ä"],
  ]);
  const refused = [
    "[HKEY_CURRENT_USER\\Environment]",
    "REGEDIT4\n[HKEY_CURRENT_USER\\Environment",
    "REGEDIT4\n[HKEY_CURRENT_USER\\Other]\n",
    old('"open'),
    old("hex(2):zz"),
    old("hex(2):e4,00"),
    old("nonsense"),
    'Windows Registry Editor Version 5.00\n[HKCU\\Environment]\n"A"=hex(2):25,00,25\n',
  ];
  for (const each of refused)
    assert.throws(() => parseRegFile(each, "x", undefined), code("ENV_SOURCE_INVALID"), each);
  assert.throws(() => windowsText(Buffer.from([0xe4, 0x20]), "x", undefined), code("ENV_SOURCE_ENCODING"));
  assert.throws(
    () => windowsText(Buffer.from([0xe4, 0x20]), "x", "no-such-page"),
    code("ENV_SOURCE_ENCODING"),
  );
  assert.equal(windowsText(Buffer.from([0xe4]), "x", "windows-1252"), "ä");
});

test("what reg query prints, in UTF-16 and in other languages", () => {
  const text =
    "\r\nHKEY_CURRENT_USER\\Environment\r\n    (Standard)    REG_SZ    (Wert nicht festgelegt)\r\n    TEMP    REG_EXPAND_SZ    %USERPROFILE%\\T    mp\r\n    Name With Spaces    REG_SZ    a\r\n" +
    "    Empty    REG_SZ    \r\n    Multi    REG_SZ    one\r\ntwo\r\n    N    REG_DWORD    0x2a\r\n\r\nHKEY_CURRENT_USER\\Other\r\n    X    REG_SZ    1\r\n\r\nSuchende: 7 Übereinstimmung(en) gefunden.\r\n";
  const parsed = parseRegQuery(windowsText(Buffer.from(`\ufeff${text}`, "utf16le"), "x", undefined), "x");
  assert.deepEqual(registry(parsed), [
    ["user", "TEMP", "REG_EXPAND_SZ", "%USERPROFILE%\\T    mp"],
    ["user", "Name With Spaces", "REG_SZ", "a"],
    ["user", "Empty", "REG_SZ", ""],
    ["user", "Multi", "REG_SZ", "one\ntwo"],
  ]);
  for (const each of ["", "hello", "    A    REG_SZ    1", "HKEY_CURRENT_USER\\Environment\n    broken\n"]) {
    assert.throws(() => parseRegQuery(each, "x"), code("ENV_SOURCE_INVALID"), each);
  }
});

test("the registry becomes an environment: names blind to case, PATH joined, references expanded, cycles told", () => {
  const value = (hive: "machine" | "user", name: string, text: string, isExpanded = false) => ({
    hive,
    name,
    type: isExpanded ? ("REG_EXPAND_SZ" as const) : ("REG_SZ" as const),
    value: text,
    line: 1,
    source: 0,
  });
  const found = joinRegistry(
    [
      value("machine", "Path", "%SystemRoot%;C:\\m;", true),
      value("user", "PATH", "%Tools%\\bin", true),
      value("user", "TOOLS", "D:\\t"),
      value("machine", "Temp", "C:\\T"),
      value("user", "TEMP", "%temp%\\u", true),
      value("user", "A", "%B%", true),
      value("user", "B", "%A%", true),
      value("user", "Plain", "%TOOLS%"),
      value("user", "Lost", "%NOWHERE%", true),
      value("machine", "Down", "%TOOLS%", true),
      ...Array.from({ length: 40 }, (_, i) => value("user", `X${i}`, `%X${i + 1}%%X${i + 1}%`, true)),
      value("user", "X40", "xx"),
    ],
    new Map([["systemroot", "C:\\Windows"]]),
  );
  const byName = valuesOf(found);
  assert.equal(byName.PATH, "C:\\Windows;C:\\m;D:\\t\\bin");
  assert.equal(byName.TEMP, "C:\\T\\u");
  assert.deepEqual([byName.A, byName.B, byName.Lost, byName.X0], [null, null, null, null]);
  assert.equal(byName.Plain, "%TOOLS%");
  // The machine's variables do not see those of a user.
  assert.equal(byName.Down, null);
  assert.equal(byName.X39, "xxxx");
});
