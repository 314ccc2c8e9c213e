/**
 * The tables of docs/audit-events.md, each between `<!-- table NAME -->` and `<!-- end -->`; `npm run tables` writes what lies
 * between, and a test compares it.
 */
import { type ErrorSpec, own } from "@cupel/base";
import { auditErrors } from "../src/errors.ts";
import { actions } from "../src/event/actions.ts";
import { ocsfActivities } from "../src/event/export/ocsf-classes.ts";
import { subjectKinds } from "../src/event/subject-kinds.ts";
import { runtimeKinds } from "../src/ring/runtime-kinds.ts";

/** Relative to the repository. */
export const page = "docs/audit-events.md";

const tables: Readonly<Record<string, () => string>> = {
  actions: () =>
    table(
      ["Action", "Meaning", "Usually", "Done by", "OCSF 1.8.0"],
      Object.entries(actions).map(([code, { meaning, severity, subjects }]) => [
        `\`${code}\``,
        meaning,
        severity,
        subjects.join(", "),
        ocsfText(code),
      ]),
    ),
  "errors of the record": () =>
    table(
      ["Code", "Meaning", "Exit status", "Again?"],
      Object.entries<ErrorSpec>(auditErrors.specs).map(([code, { meaning, exit, retryable }]) => [
        `\`${code}\``,
        meaning,
        String(exit),
        retryable ? "yes" : "no",
      ]),
    ),
  "kinds of subject": () =>
    table(
      ["Kind", "What it is"],
      Object.entries(subjectKinds).map(([kind, meaning]) => [`\`${kind}\``, meaning]),
    ),
  runtime: () =>
    table(
      ["Kind", "Meaning", "Members"],
      Object.entries(runtimeKinds).map(([kind, { meaning, texts, numbers }]) => [
        `\`${kind}\``,
        meaning,
        [...texts, ...numbers].map((name) => `\`${name}\``).join(", "),
      ]),
    ),
};

/** The page with its tables as they are now. */
export function withTables(text: string): string {
  return text.replaceAll(
    /(<!-- table ([\w ]+) -->\n).*?(<!-- end -->)/gs,
    (_, begin: string, name: string, end: string) => {
      const make = own(tables, name);
      if (make === undefined) throw new Error(`There is no table "${name}".`);
      return `${begin}${make()}\n${end}`;
    },
  );
}

function ocsfText(code: string): string {
  const activity = own(ocsfActivities, code);
  return activity === undefined ? "" : `${activity.class.name} ${activity.class.uid}: ${activity.name}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
