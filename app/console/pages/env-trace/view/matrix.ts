/** Packages by names, as far as the filters let them through: rows and columns that have something, and what is where they meet. */
import { plural } from "../../../shared/view/number-text.ts";
import type { EnvTraceDocument, TracedAccess, TracedPackage } from "../../../src/env-pages.ts";
import { doesText, kindTexts } from "./kind-text.ts";

export interface MatrixFilter {
  /** Part of a package's name, in any case of letters. */
  readonly packageText: string;
  /** Part of a variable's name. */
  readonly keyText: string;
  readonly isSecretOnly: boolean;
  /** New since the baseline, or of a package that is new since the lockfile. */
  readonly isNewOnly: boolean;
  /** Denied, or not listed by the policy. */
  readonly isRefusedOnly: boolean;
}

export const noFilter: MatrixFilter = {
  packageText: "",
  keyText: "",
  isSecretOnly: false,
  isNewOnly: false,
  isRefusedOnly: false,
};

export interface MatrixRow extends TracedPackage {
  /** Index into the packages. */
  readonly at: number;
}

export interface MatrixColumn {
  readonly label: string;
  readonly isTagged: boolean;
}

export interface MatrixCell {
  /** "RW": one of each kind. */
  readonly letters: string;
  readonly accesses: readonly TracedAccess[];
  readonly isDenied: boolean;
  readonly isListed: boolean;
  readonly isNew: boolean;
}

export interface Matrix {
  readonly rows: readonly MatrixRow[];
  /** Those of no single name first, then secrets, then the others, by name. */
  readonly columns: readonly MatrixColumn[];
  /** By row, then by column. */
  readonly cells: readonly ReadonlyMap<number, MatrixCell>[];
  readonly accesses: number;
}

const wholeColumns: Readonly<Partial<Record<TracedAccess["kind"], string>>> = {
  enumerate: "(all names)",
  report: "(diagnostic report)",
};

export function matrixOf(trace: EnvTraceDocument, filter: MatrixFilter): Matrix {
  const isThrough = passes(trace, filter);
  const accesses = trace.accesses.filter(isThrough);
  const columnOf = ({ key, kind }: TracedAccess): string =>
    key === null ? ` ${wholeColumns[kind] ?? kind}` : `=${trace.keys.at(key)?.name}`;
  const found = new Map<string, MatrixColumn>();
  for (const access of accesses) {
    const isTagged = access.key !== null && trace.keys.at(access.key)?.isTagged === true;
    const id = columnOf(access);
    found.set(id, { label: id.slice(1), isTagged });
  }
  const columns = [...found].sort(
    ([a, first], [b, second]) =>
      Number(b.startsWith(" ")) - Number(a.startsWith(" ")) ||
      Number(second.isTagged) - Number(first.isTagged) ||
      (a < b ? -1 : 1),
  );
  const placeOf = new Map(columns.map(([id], at) => [id, at]));
  const byPackage = Map.groupBy(accesses, (access) => access.package);
  const rows = trace.packages
    .map((each, at): MatrixRow => ({ ...each, at }))
    .filter(({ at }) => byPackage.has(at));
  const cells = rows.map(({ at }) => {
    const groups = Map.groupBy(byPackage.get(at) ?? [], (access) => placeOf.get(columnOf(access)) ?? 0);
    return new Map([...groups].map(([column, group]) => [column, cellOf(group)]));
  });
  return { rows, columns: columns.map(([, column]) => column), cells, accesses: accesses.length };
}

function passes(trace: EnvTraceDocument, filter: MatrixFilter): (access: TracedAccess) => boolean {
  const packageText = filter.packageText.trim().toLowerCase();
  const keyText = filter.keyText.trim().toLowerCase();
  return ({ package: at, key, isNew, isDenied, isListed }) => {
    const of = trace.packages[at];
    const name = key === null ? undefined : trace.keys.at(key);
    return (
      (of?.name.toLowerCase().includes(packageText) ?? false) &&
      (keyText === "" || (name?.name.toLowerCase().includes(keyText) ?? false)) &&
      // Who lists all names can see secrets.
      (!filter.isSecretOnly || key === null || name?.isTagged === true) &&
      (!filter.isNewOnly || isNew || of?.isNew === true) &&
      (!filter.isRefusedOnly || isDenied || !isListed)
    );
  };
}

function cellOf(accesses: readonly TracedAccess[]): MatrixCell {
  return {
    letters: [...new Set(accesses.map(({ kind }) => kindTexts[kind].letter))].join(""),
    accesses,
    isDenied: accesses.some(({ isDenied }) => isDenied),
    isListed: accesses.every(({ isListed }) => isListed),
    isNew: accesses.some(({ isNew }) => isNew),
  };
}

/** What is in a cell, for who does not see it. */
export function cellSentence(row: MatrixRow, column: MatrixColumn, cell: MatrixCell | undefined): string {
  const secret = column.isTagged ? ", a secret" : "";
  if (cell === undefined) return `${row.name}, ${column.label}${secret}: nothing`;
  const does = cell.accesses.map(({ kind, count }) => `${doesText(kind)}, ${plural(count, "time")} or more`);
  const marks = [
    cell.isDenied ? "denied" : "",
    !cell.isListed && !cell.isDenied ? "not listed by the policy" : "",
    cell.isNew ? "new since the baseline" : "",
    row.isNew ? "package new since the lockfile" : "",
  ].filter((mark) => mark !== "");
  return `${row.name}, ${column.label}${secret}: ${[...does, ...marks].join(", ")}`;
}
