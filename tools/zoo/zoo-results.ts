/** Results that a file keeps, a line a model: what was tried is not tried again, and the last line of a model counts. */
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";

export interface Result {
  readonly model: string;
  /** Of the code that was tried. */
  readonly commit: string;
}

export interface Results<Row extends Result> {
  /** In the order of names. */
  readonly rows: () => Row[];
  of(model: string): Row | undefined;
  add(row: Row): void;
}

export function zooResults<Row extends Result>(path: string): Results<Row> {
  const rows = new Map<string, Row>();
  const keep = (row: Row) => rows.set(row.model, row);
  if (existsSync(path))
    for (const line of readFileSync(path, "utf8").split("\n").filter(Boolean)) keep(JSON.parse(line));
  return {
    rows: () => [...rows.values()].sort((a, b) => (a.model < b.model ? -1 : 1)),
    of: (model) => rows.get(model),
    add(row) {
      appendFileSync(path, `${JSON.stringify(row)}\n`);
      keep(row);
    },
  };
}

/** @param root of the repository */
export function commitAt(root: string): string {
  return execFileSync("git", ["rev-parse", "--short=10", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
}
