/** What the server says of itself and of its models, as OIP v2 names it. */
import type { Datatype } from "./datatype.ts";

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: Datatype;
  /** -1 where a size is open. */
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  /** Ready ones, the current one last. */
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
  /** Task, class names, preprocessing: what the file says. Values are text, as OIP has them. */
  readonly properties: Readonly<Record<string, string>>;
}

export type ModelState = "READY" | "LOADING" | "UNLOADING" | "UNAVAILABLE";

export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: ModelState;
  /** Why it is not ready, or why a READY one still answers from the file before: the newer one was refused. "" otherwise. */
  readonly reason: string;
  /** Of the error that the reason tells of. Absent where there is none. */
  readonly code?: string | undefined;
}
