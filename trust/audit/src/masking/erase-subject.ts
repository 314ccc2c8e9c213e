/**
 * Erases a subject and records it: that it begins, before anything is destroyed, and what was destroyed, after. Both name the
 * subject by the pseudonym that its events have, which nobody can make again once the key is gone.
 */
import type { EventFacts, WorkEvent } from "@cupel/base";
import type { HashName } from "../keys/generations.ts";
import type { Erasure, SubjectKeys } from "../keys/subject-keys.ts";
import { Pseudonyms } from "./pseudonym.ts";

/** Of the subject of an event, in a policy of masking. */
const tag = "subject";

export interface EraseSubjectOptions {
  readonly keys: SubjectKeys;
  /** Of pseudonyms, as the policy of masking has it. */
  readonly hash: HashName;
  /** Resolves when the event is in the log. Rejects where it is not: nothing is destroyed then. */
  readonly record: (event: WorkEvent) => Promise<unknown>;
  /** Who does it. */
  readonly by: EventFacts;
  /** What else is recorded, such as a reason. It MUST NOT name the subject. */
  readonly context: EventFacts;
}

export interface SubjectErasure extends Erasure {
  /** That stood for the subject; null where it had no key. */
  readonly pseudonym: string | null;
}

/** Again, it does nothing but record that. @throws what recording and `SubjectKeys.erase` throw */
export async function eraseSubject(
  subject: string,
  { keys, hash, record, by, context }: EraseSubjectOptions,
): Promise<SubjectErasure> {
  const key = keys.heldOf(subject);
  const pseudonym = key && new Pseudonyms(hash).of(subject, tag, key);
  key?.key.fill(0);
  key?.salt.fill(0);
  const event = (facts: EventFacts): WorkEvent => ({
    action: "AUDIT.ERASE",
    severity: "WARN",
    subject: by,
    object: pseudonym === null ? {} : { pseudonym },
    context: { ...context, ...facts },
  });
  await record(event({ phase: "begin" }));
  const erasure = await keys.erase(subject);
  const { keys: count, isComplete } = erasure;
  await record(event({ phase: "end", keys: String(count), complete: String(isComplete) }));
  return { ...erasure, pseudonym };
}
