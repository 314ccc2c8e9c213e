/** What to do about one layer, as text that can be pasted: the option of `cupel compress`, quoted for a shell. */

/**
 * Completes "Give it 8 bits: ...". A name that no command line can hold on one line goes into a recipe.
 * @param layer what the recipe calls it.
 */
export function overrideAdvice(layer: string, bits: 8 | "float"): string {
  if (/\p{Cc}/u.test(layer)) {
    const entry = `"overrides": { ${JSON.stringify(layer)}: ${JSON.stringify(bits)} }`;
    return `write ${entry} into the stage quantise of a recipe`;
  }
  // A value that begins with a dash is read as an option of its own unless it is joined.
  const joint = layer.startsWith("-") ? "=" : " ";
  return `add --override${joint}${shellWord(`${layer}=${bits}`)} to cupel compress`;
}

/** Bare where no shell minds, else in the quotes that all shells know, else in those of POSIX. */
function shellWord(text: string): string {
  if (/^[\w./:=@,+-]+$/.test(text)) return text;
  return /["$`\\!%]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : `"${text}"`;
}
