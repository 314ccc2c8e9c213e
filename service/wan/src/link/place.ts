/** Where a process runs: in a network namespace at one end of an emulated link, or on this machine as it is. */

export interface Place {
  /** Null: no namespace of its own. */
  readonly namespace: string | null;
  /** Of IPv4, that the other end reaches it by. */
  readonly address: string;
}

export const thisMachine: Place = { namespace: null, address: "127.0.0.1" };

/** The command line that runs `words` there, as the same process (ip execs it). */
export function commandAt(
  { namespace }: Place,
  words: readonly [string, ...string[]],
): readonly [string, string[]] {
  const [command, ...rest] = words;
  return namespace === null ? [command, rest] : ["ip", ["netns", "exec", namespace, ...words]];
}
