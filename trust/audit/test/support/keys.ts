/** Keys and events for tests. */
import { randomBytes } from "node:crypto";
import type { AuditEvent } from "../../src/audit-event.ts";
import { createLocalKeys } from "../../src/keys/local-keys.ts";
import { openSubjectKeys, type SubjectKeys, type SubjectKeysOptions } from "../../src/keys/subject-keys.ts";

export const keyRow = (id: string, bytes = 32): string => `${id}:${randomBytes(bytes).toString("base64")}`;

export const provider = createLocalKeys("the test", keyRow("2026-11"));

export function openTestKeys(
  folder: string,
  options: Partial<SubjectKeysOptions> = {},
): Promise<SubjectKeys> {
  return openSubjectKeys(folder, { provider, cipher: "aes-256-gcm", hash: "sha256", ...options });
}

export function auditEvent(given: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: "01932f6e-8f3a-7cc3-98c4-dc0c0c07398f",
    time: "2026-11-27T00:41:09.123456Z",
    writer: "w1",
    seq: 0,
    severity: "INFO",
    action: "INFER.REQUEST",
    sub: {},
    obj: {},
    ctx: {},
    ...given,
  };
}
