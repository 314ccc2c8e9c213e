/** Whether two models tell the same classes apart: otherwise the predictions of one cannot be compared with the other's. */
import { classFinder, visionErrors } from "@cupel/vision";
import { listed } from "./label-problems.ts";
import type { ModelClasses } from "./model-classes.ts";

interface NamedModel extends ModelClasses {
  /** How it is called, such as its path. */
  readonly path: string;
}

/** Names in one message; a model may have a thousand. */
const mostNamed = 10;

/**
 * As far as both say: as many, and the same names in any order.
 * @throws LABELS_MISMATCH
 */
export function assertSameClasses(first: NamedModel, second: NamedModel): void {
  if (first.count !== null && second.count !== null && first.count !== second.count) {
    throw differing(
      `${first.path} tells ${first.count} classes apart, and ${second.path} tells ${second.count}`,
      first,
      second,
    );
  }
  if (first.names === null || second.names === null) return;
  const [lacking, strange] = [missingIn(second.names, first.names), missingIn(first.names, second.names)];
  if (lacking.length === 0 && strange.length === 0) return;
  const only = [
    ...(lacking.length > 0 ? [`only ${first.path} has ${listed(lacking, mostNamed)}`] : []),
    ...(strange.length > 0 ? [`only ${second.path} has ${listed(strange, mostNamed)}`] : []),
  ];
  throw differing(`The classes of the two models have other names: ${only.join("; ")}`, first, second);
}

function missingIn(names: readonly string[], wanted: readonly string[]): string[] {
  const find = classFinder(names);
  return wanted.filter((name) => find(name).length === 0);
}

function differing(problem: string, first: NamedModel, second: NamedModel) {
  return visionErrors.error(
    "LABELS_MISMATCH",
    `${problem}. Only models for the same classes can be compared image by image; evaluate others one at a time.`,
    { details: { first: first.names ?? first.count, second: second.names ?? second.count } },
  );
}
