/**
 * Which class of a model a name means. Names are compared as they are read: normalised to NFC, which macOS
 * does not do for file names, and without blanks around them. A WordNet id at the start of a name stands for
 * the whole of it, because ImageNet's folders are named so: "n01440764" is "n01440764 tench, Tinca tinca".
 */

/** Every class that is meant: none where the name is unknown, several where it stands in the list twice. */
export type ClassFinder = (name: string) => readonly number[];

/** @param names in the order of the model's classes. */
export function classFinder(names: readonly string[]): ClassFinder {
  const byName = groupedBy(names, normalised);
  const byId = groupedBy(names, wordNetId);
  return (name) => byName.get(normalised(name)) ?? byId.get(wordNetId(name)) ?? [];
}

/** The same for names that are all whole numbers: the label 7 is the class "7" or "007". Null for other names. */
export function numberedClassFinder(names: readonly string[]): ((label: number) => readonly number[]) | null {
  if (!areWholeNumbers(names)) return null;
  const byNumber = groupedBy(names, Number);
  return (label) => byNumber.get(label) ?? [];
}

/** Whether both lists are the same to the letter: then an index of one is that of the other. */
export function areSameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, i) => name === other[i]);
}

/**
 * Whether the names are numbers in the order of text, 0, 1, 10, 2, which is not that of numbers: the order in
 * which folders are listed, and not the one in which a person counts.
 */
export function areNumbersInTextOrder(names: readonly string[]): boolean {
  if (!areWholeNumbers(names)) return false;
  const isSorted = (inOrder: (a: string, b: string) => boolean) =>
    names.every((name, i) => i === 0 || inOrder(names[i - 1]!, name));
  return isSorted((a, b) => a <= b) && !isSorted((a, b) => Number(a) <= Number(b));
}

function areWholeNumbers(names: readonly string[]): boolean {
  return names.length > 0 && names.every((name) => /^\d+$/.test(normalised(name)));
}

function normalised(name: string): string {
  return name.normalize("NFC").trim();
}

function wordNetId(name: string): string | undefined {
  return /^(n\d{8})(?:\s|$)/.exec(normalised(name))?.[1];
}

/** Indices by key; those without a key are left out. */
function groupedBy<Key>(
  names: readonly string[],
  keyOf: (name: string) => Key | undefined,
): ReadonlyMap<Key | undefined, readonly number[]> {
  const groups = new Map<Key | undefined, number[]>();
  for (const [index, name] of names.entries()) {
    const key = keyOf(name);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  }
  return groups;
}
