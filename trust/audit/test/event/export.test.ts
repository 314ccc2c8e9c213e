/** Events in the forms of others: every action, against the published schemas where they are there. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { type AuditEvent, actionCodes, cloudEventOf, ocsfOf } from "@cupel/audit";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { actions } from "../../src/event/actions.ts";
import { auditEvent } from "./work-events.ts";

const folder = join(
  process.env.CUPEL_SUITES ?? resolve(import.meta.dirname, "../../../../../shared/suites"),
  "ocsf",
);
const skip = existsSync(folder) ? false : "no suites: set CUPEL_SUITES to their folder";

const schemaNames: ReadonlyMap<unknown, string> = new Map([
  [2004, "detection_finding"],
  [3002, "authentication"],
  [3004, "entity_management"],
  [6002, "application_lifecycle"],
  [6003, "api_activity"],
  [6005, "datastore_activity"],
]);
const compiled = new Map<unknown, ValidateFunction>();

function schemaOf(classUid: unknown): ValidateFunction {
  const found = compiled.get(classUid);
  if (found !== undefined) return found;
  const path = join(folder, `${schemaNames.get(classUid)}-1.8.0.schema.json.gz`);
  const schema = JSON.parse(gunzipSync(readFileSync(path)).toString("utf8"));
  const made = new Ajv2020({ strict: false, logger: false }).compile(schema);
  compiled.set(classUid, made);
  return made;
}

/** As much and as little as an event can have, of everybody who can have done it. */
function eventsOf(action: string, kinds: readonly string[]): AuditEvent[] {
  const objects = [
    {},
    { model: "parts", version: "3", digest: "sha256:00", sensitivity: "internal" },
    { setting: "limits.inFlight" },
    { model: "" },
  ];
  const contexts = [
    {},
    { ip: "203.0.113.7", code: "OK", trace: "4bf92f35", tenant: "a", device: "camera-4", method: "infer" },
    { ip: "2001:db8::7", code: "MODEL_REFUSED", reason: "it is too large" },
    { ip: "fe80::1234:5678:9abc:def0%a-zone-with-a-long-name" },
    { ip: "***", code: "" },
  ];
  return kinds.flatMap((kind) =>
    objects.flatMap((obj) =>
      contexts.flatMap((ctx) =>
        (["INFO", "WARN", "ERROR", "CRITICAL"] as const).map((severity) =>
          auditEvent({
            action,
            severity,
            sub: { id: "x", kind, role: kind === "user" ? "admin" : "" },
            obj,
            ctx,
          }),
        ),
      ),
    ),
  );
}

test("every action as OCSF conforms to the schema of its class", { skip }, () => {
  for (const [action, { subjects }] of Object.entries(actions)) {
    for (const event of eventsOf(action, subjects)) {
      const made = ocsfOf(event) ?? assert.fail(action);
      const conforms = schemaOf(made.class_uid);
      assert.ok(conforms(made), `${JSON.stringify(conforms.errors)} in ${JSON.stringify(made)}`);
      assert.equal(made.type_uid, Number(made.class_uid) * 100 + Number(made.activity_id));
      assert.deepEqual(made.unmapped, { sub: event.sub, obj: event.obj, ctx: event.ctx });
    }
  }
});

test("an event of ours as OCSF, member by member", () => {
  const event = auditEvent({
    severity: "WARN",
    sub: { id: "inspector", kind: "user", role: "infer" },
    obj: { model: "parts", version: "3", digest: "sha256:00" },
    ctx: { ip: "203.0.113.7", method: "predict", code: "INPUT_TOO_LARGE" },
  });
  assert.deepEqual(ocsfOf(event), {
    activity_id: 99,
    activity_name: "Infer",
    category_uid: 6,
    class_uid: 6003,
    class_name: "API Activity",
    type_uid: 600399,
    severity_id: 3,
    severity: "Medium",
    time: 1795740069123,
    timezone_offset: 0,
    message: "A model was asked for an answer; the code says how it ended.",
    metadata: {
      version: "1.8.0",
      product: { name: "Cupel", vendor_name: "Cupel" },
      uid: event.id,
      event_code: "INFER.REQUEST",
      sequence: 0,
      log_name: "audit",
      log_provider: "main",
      original_time: "2026-11-27T00:41:09.123456Z",
    },
    status_id: 2,
    status: "Failure",
    status_code: "INPUT_TOO_LARGE",
    actor: {
      user: { uid: "inspector", type: "user", type_id: 1, groups: [{ name: "infer" }] },
      app_name: "Cupel",
    },
    api: { operation: "predict", service: { name: "Cupel" } },
    resources: [{ name: "parts", type: "model", uid: "sha256:00", version: "3" }],
    src_endpoint: { ip: "203.0.113.7" },
    unmapped: { sub: event.sub, obj: event.obj, ctx: event.ctx },
  });
});

test("an action of nobody has no class", () => {
  for (const action of ["NO.SUCH", "constructor", "__proto__"])
    assert.equal(ocsfOf(auditEvent({ action })), null);
});

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md, naming conventions and required attributes. */
test("every action as a CloudEvent has the attributes that 1.0 asks for, named as it asks", () => {
  for (const action of actionCodes) {
    const event = auditEvent({ action });
    const made = cloudEventOf(event, "/audit/plant-7");
    const { data, ...attributes } = made;
    assert.equal(data, event);
    for (const [name, value] of Object.entries(attributes)) {
      assert.match(name, /^[a-z0-9]{1,20}$/);
      assert.ok(typeof value === "string" && value !== "", name);
    }
    assert.deepEqual(attributes, {
      specversion: "1.0",
      id: event.id,
      source: "/audit/plant-7",
      type: `io.github.cupel-vision.audit.${action.toLowerCase()}`,
      time: event.time,
      subject: "resnet50",
      datacontenttype: "application/json",
      dataschema: "urn:cupel:schema:recorded-audit-event",
      sequence: "0",
      partitionkey: "main",
      severity: "info",
    });
  }
});

test("a CloudEvent about nothing has no subject", () => {
  assert.ok(!("subject" in cloudEventOf(auditEvent({ obj: {} }), "/audit")));
});
