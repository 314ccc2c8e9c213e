/** The findings of a trace for people: one line a package and a kind of access, names behind it, what is new first. */
import { accessSentence, type EnvAccess } from "@cupel/env-trace";
import { countText, numberOf } from "../terminal/figures.ts";
import { tableText } from "../terminal/table.ts";

const verbs: Readonly<Record<EnvAccess["kind"], string>> = {
  read: "reads",
  write: "writes",
  delete: "deletes",
  enumerate: "lists all names",
  inherit: "hands on",
  report: "asks for a report",
  "load-file": "loads from a file",
};

/** Names that are shown for one package and kind. */
const mostNames = 6;

export interface ToldFindings {
  /** null where there is no baseline. */
  readonly fresh: readonly EnvAccess[] | null;
  /** Of packages that an older lockfile does not have as they are; null where there is none. */
  readonly updated: readonly EnvAccess[] | null;
  readonly unlisted: readonly EnvAccess[];
}

export function accessText(
  accesses: readonly EnvAccess[],
  { fresh, updated, unlisted }: ToldFindings,
): string {
  const groups = Map.groupBy(accesses, (each) => `${each.package}\n${each.kind}`);
  const rows = [...groups.values()].map((group) => {
    const { package: name, class: of, kind } = group[0]!;
    return [
      name,
      of,
      verbs[kind],
      namesText(group),
      countText(group.reduce((sum, { count }) => sum + count, 0)),
    ];
  });
  const table =
    rows.length === 0 ? "" : tableText([["package", "is", "does", "names", "times at least"], ...rows]);
  return [
    table,
    ...listed("Not listed by the policy", unlisted),
    ...listed("New since the baseline", fresh ?? []),
    ...listed("Of packages new since the lockfile", updated ?? []),
    `${numberOf(accesses.length, "fact")} of ${numberOf(new Set(accesses.map((each) => each.package)).size, "package")}.`,
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** Tagged names first, marked with a star. */
function namesText(group: readonly EnvAccess[]): string {
  const names = group
    .toSorted((a, b) => Number(b.isTagged) - Number(a.isTagged))
    .flatMap(({ key, isTagged }) => (key === null ? [] : [`${key}${isTagged ? "*" : ""}`]));
  const more = names.length - mostNames;
  return `${names.slice(0, mostNames).join(" ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function listed(title: string, accesses: readonly EnvAccess[]): string[] {
  if (accesses.length === 0) return [];
  return [
    [
      `${title}:`,
      ...accesses.map((each) => `  ${accessSentence(each)}${each.isDenied ? " (denied)" : ""}`),
    ].join("\n"),
  ];
}
