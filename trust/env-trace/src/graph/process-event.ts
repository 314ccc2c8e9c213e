/** What every log of processes comes to: a process began, a process ended, a variable of the registry was written. */

export type LogKind = "auditd" | "security" | "sysmon";

/** A process, as a log names it. What the log does not say is null. */
export interface ProcessName {
  readonly host: string;
  readonly pid: number | null;
  /** Of Sysmon: the same process has the same for ever. In capitals, without braces. */
  readonly guid: string | null;
  readonly image: string | null;
}

/** What it was started with. */
export type CommandText =
  /** As the kernel of Linux has it. */
  | { readonly kind: "arguments"; readonly arguments: readonly string[] }
  /** As Windows has it: every program splits its own. */
  | { readonly kind: "line"; readonly line: string };

export interface ProcessStart extends ProcessName {
  readonly kind: "start";
  readonly log: LogKind;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly parent: ProcessName & { readonly command: CommandText | null };
  /** Null where the log does not have it, as Windows by default. */
  readonly command: CommandText | null;
  readonly folder: string | null;
  /** What is missing of the command, in words; null where nothing is. */
  readonly incomplete: string | null;
}

export interface ProcessEnd extends ProcessName {
  readonly kind: "end";
  readonly at: number;
}

/** Of the machine or of a user, for all processes that begin later. */
export interface VariableWrite extends ProcessName {
  readonly kind: "variable";
  readonly at: number;
  readonly name: string;
  /** Null where the log does not have it, as of a type that is no text. */
  readonly value: string | null;
  readonly isDeleted: boolean;
}

export type ProcessEvent = ProcessStart | ProcessEnd | VariableWrite;

/** What reading a log came to. */
export interface LogSummary {
  readonly kind: "auditd" | "windows";
  /** Lines of an audit log, events of Windows. */
  records: number;
  /** Records that could not be read, of which the first is at `firstMalformed`. */
  malformed: number;
  firstMalformed: string | null;
  /** Commands of which a part is missing. */
  incomplete: number;
  /** Attempts to start a program that the kernel refused. */
  failed: number;
  /** Serial numbers of audit events that are missing in between: lost, or left out by the log's rules. */
  missingEvents: number;
  /** Records that came after their event was taken for whole. */
  late: number;
}

export function emptySummary(kind: LogSummary["kind"]): LogSummary {
  return {
    kind,
    records: 0,
    malformed: 0,
    firstMalformed: null,
    incomplete: 0,
    failed: 0,
    missingEvents: 0,
    late: 0,
  };
}
