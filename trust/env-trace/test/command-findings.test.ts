// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shells write their variables so
/** What commands of Windows and Unix do with variables and scripts: what is read, set and run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { commandFindings } from "@cupel/env-trace";

const line = (text: string) => commandFindings({ kind: "line", line: text }).map(short);
const args = (...words: string[]) => commandFindings({ kind: "arguments", arguments: words }).map(short);
const short = (finding: ReturnType<typeof commandFindings>[number]) => {
  if (finding.kind === "sets") return `sets ${finding.name}=${finding.value ?? "?"} ${finding.reach}`;
  if (finding.kind === "deletes") return `deletes ${finding.name} ${finding.reach}`;
  if (finding.kind === "runs-script") return `script ${finding.path}`;
  if (finding.kind === "runs-variable") return `runs ${finding.name}`;
  return finding.kind === "reads" ? `reads ${finding.name}` : finding.kind;
};
const encoded = (script: string) => Buffer.from(script, "utf16le").toString("base64");

const windowsCommands: readonly [line: string, expected: readonly string[]][] = [
  ["powershell $env:A", ["reads A"]],
  [
    "powershell -Command \"$env:A = 'C:\\a.ps1'; ${env:B(x86)}\"",
    ["sets A=C:\\a.ps1 process", "reads B(x86)"],
  ],
  ['powershell -c "Write-Host \\"x $env:A\\" \'$env:B\' # $env:C"', ["reads A"]],
  ['powershell "Get-ChildItem Env:; gci env:\\; dir Env:\\A; gc Env:B"', ["lists", "reads A", "reads B"]],
  [
    "powershell \"Set-Item Env:\\A -Value x; New-Item -Path Env:B -Value y; Remove-Item env:C; $env:D=''; $env:E = $null\"",
    ["sets A=x process", "sets B=y process", "deletes C process", "deletes D process", "deletes E process"],
  ],
  ["powershell \"$env:A += ';x'\"", ["reads A", "sets A=? process"]],
  ['powershell "IEX (gc $env:A)"', ["reads A", "runs A"]],
  ['powershell "gc ${env:A} | iex"', ["reads A", "runs A"]],
  ['powershell "iex $env:A"', ["reads A", "runs A"]],
  ['powershell "& $env:A; . $env:B"', ["reads A", "runs A", "reads B", "runs B"]],
  ['powershell "$p = $env:A; IEX (Get-Content $p -Raw)"', ["reads A", "runs A"]],
  ["powershell \"I`E`X (Get-Content ([Environment]::GetEnvironmentVariable('A')))\"", ["reads A", "runs A"]],
  [
    "powershell \"[Environment]::SetEnvironmentVariable('A','C:\\x.ps1','User'); [System.Environment]::SetEnvironmentVariable(\\\"B\\\", $null, [EnvironmentVariableTarget]::Machine)\"",
    ["sets A=C:\\x.ps1 user", "deletes B machine"],
  ],
  ['powershell "[Environment]::GetEnvironmentVariables()"', ["lists"]],
  ["powershell.exe -NoP -ep bypass -File C:\\a.ps1 -X 1", ["script C:\\a.ps1"]],
  ["powershell C:\\a.ps1", ["script C:\\a.ps1"]],
  ["pwsh -nologo ./b.ps1", ["script ./b.ps1"]],
  ["powershell -File %A%", ["runs A"]],
  [
    "powershell \"& 'C:\\a b.ps1'; .\\c.ps1; Start-Process powershell -ArgumentList '-File','d.ps1'\"",
    ["script C:\\a b.ps1", "script .\\c.ps1", "script d.ps1"],
  ],
  ...["-EncodedCommand", "-e", "-ec", "-enc", "/enc", "-EncodedC", "\u2013enc"].map(
    (name): [string, readonly string[]] => [
      `powershell -NoProfile -w hidden ${name} ${encoded("IEX (gc $env:A)")}`,
      ["reads A", "runs A"],
    ],
  ),
  ["powershell -enc not!base64", ["unreadable"]],
  [`powershell -enc ${encoded(`powershell -enc ${encoded("$env:DEEP")}`)}`, ["reads DEEP"]],
  [
    'cmd /c set A=1&& set "B=x y" & set C= & set & set D',
    ["sets A=1 process", "sets B=x y process", "deletes C process", "lists", "reads D"],
  ],
  ['C:\\Windows\\system32\\cmd.exe /d /s /c "echo %A% !B! %C:~0,3% ^%%D"', ["reads A", "reads B", "reads C"]],
  ['cmd.exe /c ""C:\\x y\\run.bat" arg"', ["script C:\\x y\\run.bat"]],
  [
    "cmd /c call a.cmd & %RUN% & start /wait b.vbs",
    ["script a.cmd", "reads RUN", "runs RUN", "script b.vbs"],
  ],
  ['cmd /c setx A "C:\\x.ps1" /M & setx B 1', ["sets A=C:\\x.ps1 machine", "sets B=1 user"]],
  ["reg add HKCU\\Environment /v A /t REG_SZ /d C:\\x.ps1 /f", ["sets A=C:\\x.ps1 user"]],
  [
    'cmd /c reg delete "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment" /v A /f',
    ["deletes A machine"],
  ],
  ["cmd /c powershell -c $env:A", ["reads A"]],
  ["wscript //b C:\\a.vbs", ["script C:\\a.vbs"]],
  ["ping -n 6 127.0.0.1", []],
  ["", []],
];
test("what commands of Windows do with variables and scripts", () => {
  for (const [command, expected] of windowsCommands) assert.deepEqual(line(command), expected, command);
});

const unixCommands: readonly [words: readonly string[], expected: readonly string[]][] = [
  [
    ["/bin/sh", "-c", 'export A=1 B="$C"; D=x run; unset E; echo ${F:-$G}'],
    [
      "sets A=1 process",
      "sets B=? process",
      "reads C",
      "sets D=x process",
      "deletes E process",
      "reads F",
      "reads G",
    ],
  ],
  [
    ["bash", "-lc", '. /x/env.sh && bash $SCRIPT; eval "$CODE"'],
    ["script /x/env.sh", "reads SCRIPT", "runs SCRIPT", "reads CODE", "runs CODE"],
  ],
  [["/bin/bash", "./run.sh", "arg"], ["script ./run.sh"]],
  [
    ["env", "-i", "A=1", "-u", "B", "node", "x.js"],
    ["sets A=1 process", "deletes B process", "script x.js"],
  ],
  [["env"], ["lists"]],
  [["printenv", "A"], ["reads A"]],
  [["sh", "-c", "printenv; env"], ["lists"]],
  [["sudo", "-E", "sh", "-c", "echo $A"], ["reads A"]],
  [["python3", "-u", "tool.py"], ["script tool.py"]],
  [["node", "--require", "a.cjs", "b.js"], ["script b.js"]],
  [["sh", "-c", "echo '$A' \"open"], ["unreadable"]],
  [["grep", "x"], []],
];
test("what commands of Unix do with variables and scripts", () => {
  for (const [words, expected] of unixCommands) {
    assert.deepEqual(args(...words).toSorted(), expected.toSorted(), words.join(" "));
  }
});
