/**
 * What happened, told to whoever keeps the record. Packages that work emit events here; the record (trust/audit) is
 * plugged in by the command, so that neither side imports the other.
 */
export type EventSeverity = "INFO" | "WARN" | "ERROR" | "CRITICAL";

/** Flat maps of strings, which any log system can index. */
export type EventFacts = Readonly<Record<string, string>>;

export interface WorkEvent {
  /** Dotted and in capitals: "MODEL.LOAD", "INFER.REQUEST". */
  readonly action: string;
  readonly severity: EventSeverity;
  /** Who did it: id, role. */
  readonly subject: EventFacts;
  /** What it was done to: model, version, digest. */
  readonly object: EventFacts;
  /** How and from where: face, address, outcome. */
  readonly context: EventFacts;
}

export interface EventSink {
  /**
   * Resolves when the event is as durable as the operator chose; whoever answers a request MUST NOT answer it before.
   * Rejects only where the operator chose that nothing happens without a record.
   */
  emit(event: WorkEvent): Promise<void> | undefined;
  /** For whoever watches; left out where nothing is counted. */
  figures?(): SinkFigures;
}

/** What a sink did since it was opened, and how it stands. */
export interface SinkFigures {
  /** Events by what became of them, such as "logged" or "dropped". */
  readonly events: Readonly<Record<string, number>>;
  /** Troubles by cause. */
  readonly faults: Readonly<Record<string, number>>;
  /** Events of which nobody knows yet what becomes of them. */
  readonly waiting: number;
  /** Whether the last attempt to keep events failed. */
  readonly isInTrouble: boolean;
}

/** Keeps nothing. */
export const silentSink: EventSink = { emit: () => undefined };
