/** Encrypted fields of an event, opened for who has the keys. One whose subject was erased says so, and is no failure. */
import { type EventFacts, setOwn } from "@cupel/base";
import type { AuditEvent } from "../audit-event.ts";
import type { SubjectKeyReader } from "../keys/find-key.ts";
import { decryptField, replaceFields } from "./encrypted-field.ts";

/** What stands where a field was whose subject is erased. */
export const ERASED = "[ERASED]";
/** Where no key of that id was ever there, or what stands there was not written there. */
export const UNREADABLE = "[UNREADABLE]";

export interface UnmaskedField {
  /** "sub.id" */
  readonly member: string;
  readonly keyId: string;
  readonly state: "read" | "erased" | "unknown key" | "altered";
}

export interface Unmasked {
  readonly event: AuditEvent;
  readonly fields: readonly UnmaskedField[];
}

export function unmask(event: AuditEvent, keys: SubjectKeyReader): Unmasked {
  const fields: UnmaskedField[] = [];
  const open = (facts: EventFacts, dimension: string): EventFacts => {
    const opened: Record<string, string> = {};
    for (const [name, value] of Object.entries(facts)) {
      const member = `${dimension}.${name}`;
      const text = replaceFields(value, (field, ordinal) => {
        const key = keys.find(field.keyId);
        const plain =
          typeof key === "string" ? null : decryptField(field, key, { event: event.id, member, ordinal });
        const failed = key === "erased" ? "erased" : key === "unknown" ? "unknown key" : "altered";
        fields.push({ member, keyId: field.keyId, state: plain === null ? failed : "read" });
        return plain ?? (key === "erased" ? ERASED : UNREADABLE);
      });
      setOwn(opened, name, text);
    }
    return opened;
  };
  return {
    event: {
      ...event,
      sub: open(event.sub, "sub"),
      obj: open(event.obj, "obj"),
      ctx: open(event.ctx, "ctx"),
    },
    fields,
  };
}
