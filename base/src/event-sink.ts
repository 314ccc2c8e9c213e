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
}

/** Keeps nothing. */
export const silentSink: EventSink = { emit: () => undefined };
