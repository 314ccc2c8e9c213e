/** Labels that meet no class, in sentences: what the images have, what the model has, and what is nearly right. */
import { suggest } from "@cupel/base";

/** Names of either side in one message; a model may have a thousand. */
const namedUnknown = 10;
const namedClasses = 20;

/** @param free names of the model that no images have: one of them may be meant. Without a full stop. */
export function unknownProblem(
  location: string,
  unknown: readonly string[],
  names: readonly string[],
  free: readonly string[],
): string {
  const hints = unknown.slice(0, namedUnknown).flatMap((name) => {
    // Of one or two letters, any others are near.
    const meant = name.length < 3 ? null : suggest(name, free);
    return meant === null ? [] : [`${JSON.stringify(name)} is nearly ${JSON.stringify(meant)}`];
  });
  const hint = hints.length === 0 ? "" : ` (${hints.join("; ")})`;
  return (
    `${location} has ${unknown.length === 1 ? "1 class" : `${unknown.length} classes`} that the model does not have: ` +
    `${listed(unknown, namedUnknown)}${hint}. The model tells ${names.length} apart: ${listed(names, namedClasses)}`
  );
}

/** Without a full stop. @param classes indices in the model. */
export function twiceProblem(location: string, name: string, classes: readonly number[]): string {
  return (
    `${location} has images of the class ${JSON.stringify(name)}, but the model has ${classes.length} classes of that name ` +
    `(${classes.join(" and ")}), so which is meant is not known`
  );
}

/** The first names in quotes, and how many more there are. */
export function listed(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).map((name) => JSON.stringify(name));
  const rest = names.length - shown.length;
  return rest > 0 ? `${shown.join(", ")} and ${rest} more` : shown.join(", ");
}
