/**
 * Layer names short enough for an axis. Exporters write "/layer1/layer1.0/conv1/Conv_output_0", where
 * the beginning repeats and only the end tells layers apart. The full name stays in every tooltip.
 */

/** Operators that exporters append to a module's own name. */
const OPERATOR_PARTS: ReadonlySet<string> = new Set(["Conv", "Gemm", "MatMul"]);

/**
 * Drops what exporters repeat: leading slash, "_output_0", the operator behind a module's name, and
 * parts that the next part spells again.
 */
export function tidyName(name: string): string {
  const parts = name
    .replace(/^\//, "")
    .replace(/_output_0$/, "")
    .split("/");
  const last = parts.at(-1);
  if (parts.length > 1 && last !== undefined && OPERATOR_PARTS.has(last)) parts.pop();
  const kept = parts.filter((part, i) => !parts[i + 1]?.startsWith(`${part}.`));
  return kept.join("/") || name;
}

/** At most `most` characters; cut in front, since the end is what differs. */
export function shortName(name: string, most: number): string {
  const tidy = tidyName(name);
  return tidy.length <= most ? tidy : `…${tidy.slice(tidy.length - most + 1)}`;
}
