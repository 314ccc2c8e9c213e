/** What is worth a look first: facts that were denied, are not listed, or are new; one line for a package and what it does. */
import { plural } from "../../../shared/view/number-text.ts";
import type { EnvTraceDocument, TracedAccess } from "../../../src/env-pages.ts";
import { doesText } from "./kind-text.ts";

export interface Finding {
  /** Index into the packages. */
  readonly package: number;
  readonly sentence: string;
  readonly isTagged: boolean;
  readonly isDenied: boolean;
  readonly isListed: boolean;
  readonly isNew: boolean;
  readonly isOfNewPackage: boolean;
}

/** Names in one line. */
const mostNames = 4;

/** Secrets first, and who lists all names, which shows them too. */
export function findingsOf(trace: EnvTraceDocument): Finding[] {
  const isTagged = ({ key }: TracedAccess) => key !== null && trace.keys.at(key)?.isTagged === true;
  const isOfNewPackage = (access: TracedAccess) => trace.packages[access.package]?.isNew === true;
  const found = trace.accesses.filter(
    (each) => each.isDenied || !each.isListed || each.isNew || isOfNewPackage(each),
  );
  const groups = Map.groupBy(found, (each) =>
    [each.package, each.kind, isTagged(each), each.isDenied, each.isListed, each.isNew].join(),
  );
  const weight = (first: TracedAccess) => (isTagged(first) ? 2 : 0) + (first.key === null ? 1 : 0);
  return [...groups.values()]
    .flatMap((group) => group.slice(0, 1).map((first) => ({ first, group })))
    .sort((a, b) => weight(b.first) - weight(a.first))
    .map(({ first, group }) => {
      const { package: at, kind, isDenied, isListed, isNew } = first;
      const names = group.flatMap(({ key }) => (key === null ? [] : (trace.keys.at(key)?.name ?? [])));
      return {
        package: at,
        sentence: `${trace.packages[at]?.name} ${doesText(kind, namesText(names))}`,
        isTagged: isTagged(first),
        isDenied,
        isListed,
        isNew,
        isOfNewPackage: isOfNewPackage(first),
      };
    });
}

function namesText(names: readonly string[]): string {
  const more = names.length - mostNames;
  return more <= 1
    ? names.join(", ")
    : `${names.slice(0, mostNames).join(", ")} and ${plural(more, "more", "more")}`;
}
