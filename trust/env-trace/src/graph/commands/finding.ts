/** What a command does with variables and scripts, as far as its text says it. */

/** Who sees what is set: the process and those it starts, or all that the user, or the machine, starts later. */
export type SetReach = "process" | "user" | "machine";

export type CommandFinding =
  | { readonly kind: "reads"; readonly name: string }
  | { readonly kind: "lists" }
  | {
      readonly kind: "sets";
      readonly name: string;
      /** Null where it is computed. In memory only: it is compared with the names of scripts, and never told. */
      readonly value: string | null;
      readonly reach: SetReach;
    }
  | { readonly kind: "deletes"; readonly name: string; readonly reach: SetReach }
  | { readonly kind: "runs-script"; readonly path: string }
  /** The script that the variable names, or the code that is in it. */
  | { readonly kind: "runs-variable"; readonly name: string }
  /** A part that cannot be read, such as a code that is no base64. */
  | { readonly kind: "unreadable"; readonly why: string };

/** Commands in commands. What is deeper is not looked at. */
export const deepestNesting = 5;

/** Characters of a command that are looked at. Windows starts none that is longer; a decoded one may be. */
export const longestCommand = 131_072;

/** Of a path of either system, in small letters, without ".exe". */
export function programName(path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  return name.toLowerCase().replace(/\.exe$/, "");
}

const scriptName = /\.(ps1|psm1|bat|cmd|vbs|vbe|wsf|hta|js|mjs|cjs|ts|sh|bash|zsh|py|pl|rb|php)$/i;

export function isScript(path: string): boolean {
  return scriptName.test(path);
}

/** Pieces of a value that can be the path of a script: those with the ending of one, and absolute paths. */
export function pathsIn(value: string): string[] {
  const whole = value.trim().replace(/^(["'])(.*)\1$/, "$2");
  const isWhole = isScript(whole) || /^([A-Za-z]:\\|\/)[^;:|<>"']*$/.test(whole);
  const pieces = value.slice(0, longestCommand).match(/"[^"]+"|'[^']+'|[^\s"';,=|&<>()]+/g) ?? [];
  const found = [...(isWhole ? [whole] : []), ...pieces.map((piece) => piece.replace(/^["']|["']$/g, ""))];
  return [
    ...new Set(found.filter((piece) => isScript(piece) || /^([A-Za-z]:[\\/]|\/)[^;:]*$/.test(piece))),
  ].slice(0, 16);
}
