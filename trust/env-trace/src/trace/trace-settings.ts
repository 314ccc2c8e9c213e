/** What a traced process is told. It is written into its preload, so that no variable of the environment carries it. */
import type { DeniedRead, PolicyMode, PolicyRow } from "../policy/env-policy.ts";

export interface TraceSettings {
  /** Where observations are written, absolute. */
  readonly folder: string;
  /** The folder of the project, absolute and without links: what is no package in it is the program. */
  readonly root: string;
  /** What NODE_OPTIONS begins with in a traced process; the program does not see it. */
  readonly option: string;
  readonly mode: PolicyMode;
  readonly denied: DeniedRead;
  /** Patterns of tagged names, in any case of letters. */
  readonly tagged: readonly string[];
  readonly packages: readonly (readonly [name: string, row: PolicyRow])[] | null;
}
