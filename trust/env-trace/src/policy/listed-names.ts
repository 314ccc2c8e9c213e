/**
 * Whether a name is in a list of names with stars. The same code decides in a traced process, where nothing of the language
 * may be trusted, and in the report: see primordials.ts.
 */
import { NameMap, toUpperCase } from "../trace/preload/primordials.ts";

/** Names that Node.js itself asks for, in its own code: reading and handing them on is nobody's doing. */
export const namesOfNode: readonly string[] = [
  "NODE_CHANNEL_FD",
  "NODE_CHANNEL_SERIALIZATION_MODE",
  "NODE_UNIQUE_ID",
  "NODE_DEBUG",
  "NODE_DISABLE_COLORS",
  "NODE_EXTRA_CA_CERTS",
  "NODE_NO_READLINE",
  "NODE_NO_WARNINGS",
  "NODE_OPTIONS",
  "NODE_PATH",
  "NODE_PENDING_DEPRECATION",
  "NODE_PRESERVE_SYMLINKS",
  "NODE_REPL_HISTORY",
  "NODE_REPL_MODE",
  "NODE_RUN_SCRIPT_NAME",
  "NODE_TEST_CONTEXT",
  "NODE_TEST_WORKER_ID",
  "NODE_USE_ENV_PROXY",
  "NODE_V8_COVERAGE",
  "NODE_COMPILE_CACHE",
  "WATCH_REPORT_DEPENDENCIES",
  "__MINIMATCH_TESTING_PLATFORM__",
  "FORCE_COLOR",
  "NO_COLOR",
  "COLORTERM",
  "TERM",
  "TERM_PROGRAM",
  "TERM_PROGRAM_VERSION",
  "TMUX",
  "CI",
  "TEAMCITY_VERSION",
];

/**
 * @param pattern of which `*` stands for any part, also none. The last star takes what is too much, so that time is at
 * most the product of both lengths.
 */
function matches(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let from = 0;
  let i = 0;
  while (i < name.length) {
    if (at < pattern.length && pattern[at] === "*") {
      star = at++;
      from = i;
    } else if (at < pattern.length && pattern[at] === name[i]) {
      at++;
      i++;
    } else if (star >= 0) {
      at = star + 1;
      i = ++from;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

/** @param anyCase as names are on Windows. @returns whether a name is listed; each is looked up once */
export function listedNames(patterns: readonly string[], anyCase: boolean): (name: string) => boolean {
  const known = new NameMap<boolean>();
  const fold = (text: string) => (anyCase ? toUpperCase(text) : text);
  const folded: string[] = [];
  for (let i = 0; i < patterns.length; i++) folded[i] = fold(patterns[i]!);
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const wanted = fold(name);
    let isListed = false;
    for (let i = 0; i < folded.length && !isListed; i++) isListed = matches(folded[i]!, wanted);
    known.set(name, isListed);
    return isListed;
  };
}
