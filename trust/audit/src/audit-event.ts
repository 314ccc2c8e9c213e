/**
 * What the record keeps of one happening: who (sub) did what (action) to what (obj), and how (ctx). The three are flat
 * maps of strings, which any log system can index. A line of the record is the event as JSON, its members in this order.
 */
import type { EventFacts, EventSeverity } from "@cupel/base";

export interface AuditEvent {
  /** UUIDv7. */
  readonly id: string;
  /** RFC 3339 in UTC, as fine as the clock is: "2026-11-27T00:41:09.123456Z". */
  readonly time: string;
  /** Of the recorder that wrote it; with `seq` it gives the order whatever the clock did. */
  readonly writer: string;
  /** Counts the events of one writer from 0. */
  readonly seq: number;
  readonly severity: EventSeverity;
  /** Dotted and in capitals, of the table of actions: "MODEL.LOAD". */
  readonly action: string;
  /** Who: `id`, `kind`, `role` ... */
  readonly sub: EventFacts;
  /** To what: `model`, `version`, `digest`, `sensitivity` ... */
  readonly obj: EventFacts;
  /** How and from where: `ip`, `geo`, `device`, `trace`, `tenant`, `code` ... */
  readonly ctx: EventFacts;
}
