/**
 * An event of the record in the JSON format of CloudEvents 1.0 (https://github.com/cloudevents/spec), structured mode, for message
 * brokers. Pure. The data is the event itself; source and id together are unique, as the specification asks.
 */
import { own } from "@cupel/base";
import type { AuditEvent } from "../../audit-event.ts";
import { recordedEventSchema } from "../event-schema.ts";

export interface CloudEvent {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  /** The model or other thing that it is about. */
  readonly subject?: string;
  readonly datacontenttype: "application/json";
  readonly dataschema: string;
  /** Extension: order within `partitionkey`; decimal. */
  readonly sequence: string;
  /** Extension: the writer, whose events have one order. */
  readonly partitionkey: string;
  /** Extension. */
  readonly severity: string;
  readonly data: AuditEvent;
}

/** In reverse domain order, as the specification recommends. */
const typePrefix = "io.github.cupel-vision.audit";

/** @param source a URI reference that names the record, such as its origin */
export function cloudEventOf(event: AuditEvent, source: string): CloudEvent {
  const { id, time, writer, seq, severity, action, obj } = event;
  const subject = own(obj, "model") || own(obj, "name");
  return {
    specversion: "1.0",
    id,
    source,
    type: `${typePrefix}.${action.toLowerCase()}`,
    time,
    ...(subject ? { subject } : {}),
    datacontenttype: "application/json",
    dataschema: String(recordedEventSchema.$id),
    sequence: String(seq),
    partitionkey: writer,
    severity: severity.toLowerCase(),
    data: event,
  };
}
