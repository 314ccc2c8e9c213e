/**
 * What was seen of the environment, one fact each: who did what with which name, and where. Never a value. It is what a
 * traced process appends to its file, and what the report and the provenance graph are made of.
 */

export type ObservationKind =
  /** A value was asked for, also whether there is one, and also of a name that is not set. */
  | "read"
  | "write"
  | "delete"
  /** All names were asked for. Values that were asked for after it are reads of their own. */
  | "enumerate"
  /** A child process or a thread was started: one for each tagged name it gets, or one without a name. */
  | "inherit"
  /** A diagnostic report was asked for, of which the environment was taken out. */
  | "report"
  /** A name was set by `process.loadEnvFile`. */
  | "load-file";

/** Whose code it was: an installed package, a package manager outside the project, or the project itself. */
export type CodeClass = "package" | "tool" | "program";

export interface Observation {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly pid: number;
  /** 0 is the main thread. */
  readonly thread: number;
  readonly kind: ObservationKind;
  /** null where it is about no single name. */
  readonly key: string | null;
  /**
   * Of the code that did it. "program" is the project itself, "node" Node.js by itself, and "unknown" code that nothing on
   * the stack vouches for; a package that is called so is "npm:node".
   */
  readonly package: string;
  /** The first other package that called it. null: none, or not looked for, as at a repeated read of an untagged name. */
  readonly caller: string | null;
  readonly class: CodeClass;
  readonly file: string | null;
  readonly line: number | null;
  /** The policy's mode was deny, and it did not list this. */
  readonly denied: boolean;
  /** How often since the last line of the same, a power of two: what came after the last is not counted. */
  readonly count: number;
  /** Of `inherit`: what was started, as far as it can be shown; values of tagged names are masked. Otherwise null. */
  readonly command: string | null;
  /** Of `inherit`: the process that was started, where it is known and one was. Otherwise null. */
  readonly child: number | null;
}
