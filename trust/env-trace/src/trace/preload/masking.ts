/** Command lines without what is secret in them: as far as names and known values tell. */
import { append, indexOf, reflect, replaceAll, slice, startsWith } from "./primordials.ts";

const mask = "***";
/** Characters. Shorter values would mask letters at random. */
const shortestMasked = 4;

/** Values of tagged variables are taken out of a text. */
function withoutValues(text: string, values: readonly string[]): string {
  let left = text;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value.length >= shortestMasked && indexOf(left, value) >= 0) left = replaceAll(left, value, mask);
  }
  return left;
}

export interface KnownValues {
  /** Without what tagged variables hold now. */
  masked(text: string): string;
  /** The environment was changed. */
  forget(): void;
  /** From now on a thread changes it too, unseen. */
  neverKeep(): void;
}

/** @param mayKeep false where another thread has the same environment, or may have */
export function createKnownValues(
  real: Readonly<NodeJS.ProcessEnv>,
  isTagged: (name: string) => boolean,
  mayKeep: boolean,
): KnownValues {
  let kept: readonly string[] | null = null;
  let isKept = mayKeep;
  return {
    masked(text) {
      if (text.length < shortestMasked) return text;
      const values = kept ?? taggedValues(real, isTagged);
      if (isKept) kept = values;
      return withoutValues(text, values);
    },
    forget() {
      kept = null;
    },
    neverKeep() {
      isKept = false;
      kept = null;
    },
  };
}

export function taggedValues(
  env: Readonly<NodeJS.ProcessEnv>,
  isTagged: (name: string) => boolean,
): string[] {
  const names = reflect.ownKeys(env);
  const values: string[] = [];
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    if (typeof name === "string" && isTagged(name)) append(values, `${reflect.get(env, name)}`);
  }
  return values;
}

/**
 * Values of tagged variables are masked, and what is given to a tagged name: in "TOKEN=...", "--token=..." and "--token ...",
 * and the user in a URL.
 */
export function shownCommand(
  command: readonly string[],
  values: readonly string[],
  isTagged: (name: string) => boolean,
): string {
  let text = "";
  for (let i = 0; i < command.length; i++) text = i === 0 ? command[0]! : `${text} ${command[i]!}`;
  text = withoutValues(text, values);
  let shown = "";
  let isNextMasked = false;
  for (let from = 0; from <= text.length; ) {
    const space = indexOf(slice(text, from), " ");
    const end = space < 0 ? text.length : from + space;
    const word = slice(text, from, end);
    shown = `${shown}${from === 0 ? "" : " "}${isNextMasked && word !== "" ? mask : maskedWord(word, isTagged)}`;
    if (word !== "") isNextMasked = isTaggedOption(word, isTagged);
    from = end + 1;
  }
  return shown;
}

function maskedWord(word: string, isTagged: (name: string) => boolean): string {
  const equals = indexOf(word, "=");
  if (equals >= 0 && isTagged(asVariable(slice(word, 0, equals))))
    return `${slice(word, 0, equals + 1)}${mask}`;
  const scheme = indexOf(word, "://");
  const at = indexOf(word, "@");
  return scheme >= 0 && at > scheme ? `${slice(word, 0, scheme + 3)}${mask}${slice(word, at)}` : word;
}

function isTaggedOption(word: string, isTagged: (name: string) => boolean): boolean {
  return startsWith(word, "-") && indexOf(word, "=") < 0 && isTagged(asVariable(word));
}

/** "--auth-token" as a variable would be called. */
function asVariable(word: string): string {
  return replaceAll(word, "-", "_");
}
