/** The command line of what was traced, as it may be written down: as those of its children are. */
import { type EnvPolicy, taggedNames } from "../policy/env-policy.ts";
import { listedNames } from "../policy/listed-names.ts";
import { shownCommand, taggedValues } from "../trace/preload/masking.ts";

/** @param env of the program: values of its tagged names are masked */
export function shownProgram(
  words: readonly string[],
  policy: EnvPolicy,
  env: Readonly<NodeJS.ProcessEnv>,
): string {
  const isTagged = listedNames([...taggedNames, ...policy.secrets], true);
  return shownCommand(words, taggedValues(env, isTagged), isTagged);
}
