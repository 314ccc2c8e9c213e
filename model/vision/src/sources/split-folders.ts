/**
 * A folder whose sub-folders are train, val and test holds splits of a data set, not classes of those names.
 *
 * It is refused rather than read as their union: measuring on images that a model was trained with is the
 * mistake which splits exist to prevent, so a person says which. Splits are recognised when every folder with
 * images is called like one and there are two or more, when two of them hold folders of the same names, or
 * when a single one is all there is and holds folders with images. Class names given by hand overrule it.
 */
import { visionErrors } from "../errors.ts";

const SPLIT_NAMES: ReadonlySet<string> = new Set([
  "train",
  "training",
  "val",
  "valid",
  "validation",
  "test",
  "testing",
  "eval",
  "dev",
]);

export const isSplitName = (name: string): boolean => SPLIT_NAMES.has(name.toLowerCase());

/**
 * @param files relative to `path`, `/` between parts.
 * @throws LABELS_MISMATCH
 */
export function refuseSplits(path: string, files: readonly string[]): void {
  /** By first-level folder, the folders with images inside it. */
  const inside = new Map<string, Set<string>>();
  for (const file of files) {
    const [top, second, third] = file.split("/");
    if (top === undefined || second === undefined) continue;
    const folders = inside.get(top) ?? new Set();
    if (third !== undefined) folders.add(second);
    inside.set(top, folders);
  }
  const splits = [...inside.keys()].filter(isSplitName);
  const isAll = splits.length === inside.size;
  const isSplit =
    splits.length >= 2
      ? isAll || splits.some((a, i) => splits.slice(i + 1).some((b) => shares(inside.get(a), inside.get(b))))
      : splits.length === 1 && isAll && (inside.get(splits[0]!)?.size ?? 0) > 0;
  if (!isSplit) return;
  const preferred = splits.find((name) => /^(val|test)/i.test(name)) ?? splits[0]!;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${path} holds ${splits.join(", ")}, which are splits of a set and not classes. ` +
      `Give one of them, such as ${path.replace(/[/\\]+$/, "")}/${preferred}. If they are classes, name them with a list of class names.`,
    { details: { path, splits } },
  );
}

function shares(a: ReadonlySet<string> = new Set(), b: ReadonlySet<string> = new Set()): boolean {
  return [...a].some((name) => b.has(name));
}
