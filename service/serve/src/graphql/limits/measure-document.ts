/**
 * How deep and how wide a document is once its fragments stand where they are spread. Each fragment is measured once, so that
 * one that spreads others many times over costs no more than its text.
 */
import { type DocumentNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from "graphql";
import { serveErrors } from "../../errors.ts";
import { assertAtMost, fixedLimits } from "./limits.ts";

interface Measure {
  readonly depth: number;
  readonly fields: number;
  readonly aliases: number;
  /** With those inside its fields. */
  readonly repeats: number;
  /** How often each response name stands in it, without what is inside its fields. */
  readonly names: ReadonlyMap<string, number>;
}

/** @throws QUERY_TOO_COMPLEX; QUERY_INVALID where a fragment spreads itself */
export function measureDocument({ definitions }: DocumentNode, mostDepth: number): void {
  assertAtMost("definitions", definitions.length, fixedLimits.definitions);
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  }
  const measured = new Map<string, Measure>();
  const within = new Set<string>();

  const ofFragment = (name: string): Measure => {
    const known = measured.get(name);
    if (known) return known;
    if (within.has(name)) {
      throw serveErrors.error("QUERY_INVALID", `The fragment "${name}" spreads itself.`, {
        details: { fragment: name },
        withoutStack: true,
      });
    }
    within.add(name);
    // One that is not there is for validation to find.
    const measure = ofSelections(fragments.get(name)?.selectionSet);
    within.delete(name);
    measured.set(name, measure);
    return measure;
  };
  const ofSelections = (set: SelectionSetNode | undefined): Measure => {
    let [depth, fields, aliases, repeats] = [0, 0, 0, 0];
    const names = new Map<string, number>();
    const add = (name: string, count: number) => {
      const before = names.get(name) ?? 0;
      repeats += before === 0 ? count - 1 : count;
      names.set(name, before + count);
    };
    for (const node of set?.selections ?? []) {
      const inner =
        node.kind === Kind.FRAGMENT_SPREAD ? ofFragment(node.name.value) : ofSelections(node.selectionSet);
      const isField = node.kind === Kind.FIELD;
      depth = Math.max(depth, inner.depth + Number(isField));
      fields += inner.fields + Number(isField);
      aliases += inner.aliases + Number(isField && node.alias !== undefined);
      repeats += isField ? inner.repeats : inner.repeats - ownRepeats(inner);
      if (isField) add(node.alias?.value ?? node.name.value, 1);
      else for (const [name, count] of inner.names) add(name, count);
      assertAtMost("fields", fields, fixedLimits.fields);
      assertAtMost("aliases", aliases, fixedLimits.aliases);
      assertAtMost("repeats", repeats, fixedLimits.repeats);
      assertAtMost("depth", depth, mostDepth);
    }
    return { depth, fields, aliases, repeats, names };
  };
  for (const node of definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) ofFragment(node.name.value);
    else if (node.kind === Kind.OPERATION_DEFINITION) ofSelections(node.selectionSet);
  }
}

/** Counted again where a fragment stands beside other fields. */
function ownRepeats({ names }: Measure): number {
  return names.values().reduce((sum, count) => sum + count - 1, 0);
}
