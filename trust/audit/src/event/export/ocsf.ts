/**
 * An event of the record as OCSF 1.8.0, for systems that watch logs. Pure. What OCSF has a place for goes there; everything is in
 * `unmapped` besides, so that nothing is lost on the way. The record is what can be verified, never the copy.
 */
import { isIP } from "node:net";
import { type EventFacts, own } from "@cupel/base";
import type { AuditEvent } from "../../audit-event.ts";
import { actionOf } from "../actions.ts";
import type { SubjectKind } from "../subject-kinds.ts";
import { type OcsfClassUid, ocsfActivities } from "./ocsf-classes.ts";

/** JSON; which members it has depends on its class. */
export type OcsfEvent = Readonly<Record<string, unknown>>;

const severities = {
  INFO: [1, "Informational"],
  WARN: [3, "Medium"],
  ERROR: [4, "High"],
  CRITICAL: [5, "Critical"],
} as const satisfies Readonly<Record<AuditEvent["severity"], readonly [number, string]>>;

/** `user.type_id`: user, admin, system, service; 0 where nobody knows. */
const userTypes: Readonly<Record<SubjectKind, number>> = {
  user: 1,
  operator: 2,
  system: 3,
  service: 4,
  client: 0,
  anonymous: 0,
};

const product = { name: "Cupel", vendor_name: "Cupel" } as const;

/** @returns null for an action that is none of ours: `checkEvent` refuses such events */
export function ocsfOf(event: AuditEvent): OcsfEvent | null {
  const { id, time, writer, seq, severity, action, sub, obj, ctx } = event;
  const activity = own(ocsfActivities, action);
  if (activity === undefined) return null;
  const { uid, name, category } = activity.class;
  const [severityId, severityName] = severities[severity];
  return {
    activity_id: activity.id,
    activity_name: activity.name,
    category_uid: category,
    class_uid: uid,
    class_name: name,
    type_uid: uid * 100 + activity.id,
    severity_id: severityId,
    severity: severityName,
    time: Date.parse(time),
    timezone_offset: 0,
    message: actionOf(action)?.meaning,
    metadata: {
      version: "1.8.0",
      product,
      uid: id,
      event_code: action,
      sequence: seq,
      log_name: "audit",
      log_provider: writer,
      original_time: time,
      ...named("correlation_uid", own(ctx, "trace")),
      ...named("tenant_uid", own(ctx, "tenant")),
    },
    ...ofClass[uid](event),
    ...named("status_code", own(ctx, "code")),
    ...named("status_detail", own(ctx, "reason")),
    unmapped: { sub, obj, ctx },
  };
}

/** What each class has of its own. */
const ofClass: Readonly<Record<OcsfClassUid, (event: AuditEvent) => OcsfEvent>> = {
  2004: ({ id, action, sub, obj }) => ({
    // New.
    status_id: 1,
    finding_info: { uid: id, title: actionOf(action)?.meaning, types: [action], product },
    resources: [{ ...entityOf(obj, action), owner: userOf(sub) }],
  }),
  3002: (event) => ({
    ...statusOf(event),
    user: userOf(event.sub),
    service: { name: product.name },
    src_endpoint: endpointOf(event.ctx),
  }),
  3004: (event) => ({
    ...statusOf(event),
    actor: actorOf(event.sub),
    entity: entityOf(event.obj, event.action),
    src_endpoint: endpointOf(event.ctx),
  }),
  6002: (event) => ({
    ...statusOf(event),
    app: { ...product, feature: { name: partOf(event.action) } },
  }),
  6003: (event) => ({
    ...statusOf(event),
    actor: actorOf(event.sub),
    api: { operation: own(event.ctx, "method") ?? event.action, service: { name: product.name } },
    resources: [entityOf(event.obj, event.action)],
    src_endpoint: endpointOf(event.ctx),
  }),
  6005: (event) => ({
    ...statusOf(event),
    actor: actorOf(event.sub),
    // Other: OCSF knows buckets of cloud vendors.
    databucket: { type_id: 99, type: "Audit record", name: own(event.obj, "origin") ?? "audit" },
    src_endpoint: endpointOf(event.ctx),
  }),
};

/** Success or failure; 0 where the event does not say. */
function statusOf({ action, severity, ctx }: AuditEvent): OcsfEvent {
  const code = own(ctx, "code") || undefined;
  const isFailure = code === undefined ? /\.(FAIL|REFUSE)$/.test(action) : code !== "OK";
  if (isFailure) return { status_id: 2, status: "Failure" };
  const isSuccess = code !== undefined || severity === "INFO";
  return isSuccess ? { status_id: 1, status: "Success" } : { status_id: 0, status: "Unknown" };
}

function userOf(sub: EventFacts): OcsfEvent {
  const { id, kind, role } = { id: own(sub, "id"), kind: own(sub, "kind") ?? "", role: own(sub, "role") };
  return {
    uid: id,
    type: kind,
    type_id: own(userTypes, kind) ?? 0,
    ...(role ? { groups: [{ name: role }] } : {}),
  };
}

function actorOf(sub: EventFacts): OcsfEvent {
  return { user: userOf(sub), app_name: product.name };
}

/** Names of facts that name a thing, the first that is there. */
const namingFacts = ["model", "name", "file", "path", "setting", "variable", "subject", "key"] as const;

/** A thing without a name is called as the part of Cupel that the action is of. */
function entityOf(obj: EventFacts, action: string): OcsfEvent {
  const naming = namingFacts.find((name) => own(obj, name));
  const name = naming === undefined ? undefined : own(obj, naming);
  return {
    name: name ?? partOf(action),
    type: naming ?? partOf(action),
    ...named("uid", own(obj, "digest")),
    ...named("version", own(obj, "version")),
  };
}

/** "model" of "MODEL.LOAD". */
const partOf = (action: string): string => action.slice(0, action.indexOf(".")).toLowerCase();

/** OCSF's own bound. */
const longestAddress = 40;

/** An address that was masked is an identifier and no address. */
function endpointOf(ctx: EventFacts): OcsfEvent {
  const [ip, device] = [own(ctx, "ip"), own(ctx, "device")];
  if (ip && isIP(ip) > 0 && ip.length <= longestAddress) return { ip, ...named("name", device) };
  return { name: device || "unknown", ...named("uid", ip) };
}

/** Nothing where there is no value. */
function named(name: string, value: string | undefined): OcsfEvent {
  return value ? { [name]: value } : {};
}
