/** What a policy gives to whom, as questions: the same in a traced process and in the report. */
import { NameMap } from "../trace/preload/primordials.ts";
import type { PolicyRow } from "./env-policy.ts";
import { listedNames, namesOfNode } from "./listed-names.ts";

export interface RowRights {
  readonly read: (name: string) => boolean;
  readonly write: (name: string) => boolean;
  readonly children: (name: string) => boolean;
  /** A thread may then share the environment. */
  readonly isAllForChildren: boolean;
}

const nothing: PolicyRow = { read: [], write: [], children: [] };

/**
 * @param rows null where the policy speaks of no package: then everything is listed.
 * @param anyCase as names are on Windows.
 * @returns the rights of a package: those of its row, else of "*", else none
 */
export function createRights(
  rows: readonly (readonly [name: string, row: PolicyRow])[] | null,
  anyCase: boolean,
): (name: string) => RowRights {
  if (rows === null) {
    const all = () => true;
    const everything = { read: all, write: all, children: all, isAllForChildren: true };
    return () => everything;
  }
  const isOfNode = listedNames(namesOfNode, anyCase);
  const compiled = new NameMap<RowRights>();
  const compile = ({ read, write, children }: PolicyRow): RowRights => {
    const mayRead = listedNames(read, anyCase);
    const mayWrite = listedNames(write, anyCase);
    const isForChildren = listedNames(children, anyCase);
    return {
      read: mayRead,
      write: mayWrite,
      children: (name) => isOfNode(name) || isForChildren(name),
      // No name of a variable, so that only a star alone lists it.
      isAllForChildren: isForChildren("="),
    };
  };
  for (let i = 0; i < rows.length; i++) compiled.set(rows[i]![0], compile(rows[i]![1]));
  const others = compiled.get("*") ?? compile(nothing);
  return (name) => compiled.get(name) ?? others;
}
