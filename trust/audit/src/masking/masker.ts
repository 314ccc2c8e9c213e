/**
 * Masks an event before anything is written. Each member is looked at once: one with a tag is treated whole, in all others what the
 * detectors find is treated and the rest of the text stays. An event in which nothing is found passes as it is.
 *
 * What is encrypted or made a pseudonym belongs to one subject: a member tagged `subject` to the subject that it names, all else to
 * the one that `sub` names, or to none ("").
 */
import { baseErrors, type EventFacts, own, setOwn } from "@cupel/base";
import type { AuditEvent } from "../audit-event.ts";
import { auditErrors } from "../errors.ts";
import { createIvSource } from "../keys/authenticated-cipher.ts";
import type { SubjectKey } from "../keys/find-key.ts";
import type { SubjectKeys } from "../keys/subject-keys.ts";
import { findSensitive } from "./detect/find-sensitive.ts";
import { countFields, encryptField } from "./encrypted-field.ts";
import { type MaskingPolicy, parsePolicy } from "./policy.ts";
import { type StrategyName, severities } from "./policy-schema.ts";
import { Pseudonyms } from "./pseudonym.ts";
import { createScrubber, type Scrubber } from "./scrub.ts";
import { maskText, truncateText } from "./shorten.ts";

export interface Masker {
  /**
   * Synchronous: keys of subjects are in memory. What it returns MUST NOT be made durable before `settled()`, called after it, has
   * resolved; else a crash could leave an event whose key is nowhere.
   */
  mask(event: AuditEvent): AuditEvent;
  /** What `mask` makes of one member. */
  maskFact(event: MaskedEvent, dimension: MaskedDimension, name: string, text: string): string;
  /** Whether the policy tags a member, at least of people: else only what is found in it is masked. */
  isTagged(dimension: MaskedDimension, name: string): boolean;
  /** Whether `mask` leaves the name of a member as it is. */
  isCleanName(name: string): boolean;
  /** Resolves when the keys of all events that were masked before last; at once where there are no new ones. @throws WRITE_FAILED, DISK_FULL */
  settled(): Promise<void>;
  /** For what was refused and goes to quarantine: any value or text, masked without keys. */
  readonly scrub: Scrubber;
}

/**
 * @param policy as it was read from a file; `{}` is the default
 * @param keys null where the policy neither encrypts nor makes pseudonyms. They stay their owner's, who closes them after the masker's last use
 * @throws MASKING_POLICY_INVALID, CIPHER_REFUSED; MASKING_KEY_INVALID where keys are needed and there are none
 */
export function openMasker(policy: unknown, keys: SubjectKeys | null): Masker {
  const parsed = parsePolicy(policy);
  if (parsed.needsKeys && keys === null) {
    throw auditErrors.error(
      "MASKING_KEY_INVALID",
      "The policy of masking encrypts or makes pseudonyms, for which there is no key. Name a key file or another provider of keys, " +
        "or give every rule one of keep, mask, truncate.",
    );
  }
  return new PolicyMasker(parsed, keys);
}

export type MaskedDimension = "sub" | "obj" | "ctx";

/** What masking a member needs of its event. */
export type MaskedEvent = Pick<AuditEvent, "id" | "severity" | "sub">;

interface Place {
  readonly dimension: MaskedDimension;
  readonly name: string;
}

interface TagRule {
  readonly tag: string;
  readonly strategy: StrategyName;
}

/** What becomes of one text: the whole of a tagged member, or what was found in another. */
interface Sensitive extends Place {
  readonly text: string;
  readonly canonical: string;
  readonly kind: string;
  /** Null: of the one that the event names. */
  readonly subject: string | null;
  readonly ordinal: number;
}

interface WritableFacts {
  [member: string]: string;
}

/** Of one severity. */
interface Plan {
  readonly tags: Readonly<Record<MaskedDimension, ReadonlyMap<string, TagRule>>>;
  readonly kinds: ReadonlyMap<string, StrategyName>;
}

/** The shortest name of a member that could itself be a phone. */
const LONG_NAME = 7;

class PolicyMasker implements Masker {
  readonly scrub: Scrubber;
  readonly #policy: MaskingPolicy;
  readonly #keys: SubjectKeys | null;
  readonly #plans: ReadonlyMap<string, Plan>;
  readonly #pseudonyms: Pseudonyms;
  readonly #nextIv = createIvSource();
  readonly #strategies: Readonly<Record<StrategyName, (its: Sensitive, event: MaskedEvent) => string>> = {
    keep: ({ text }) => text,
    mask: ({ canonical, kind }) => maskText(canonical, kind),
    truncate: ({ canonical, kind }) => truncateText(canonical, kind),
    pseudonym: (its, event) => this.#pseudonyms.of(its.canonical, its.kind, this.#keyOf(its, event)),
    encrypt: (its, event) =>
      encryptField(its.text, this.#keyOf(its, event), this.#nextIv(), {
        event: event.id,
        member: `${its.dimension}.${its.name}`,
        ordinal: its.ordinal,
      }),
  };

  constructor(policy: MaskingPolicy, keys: SubjectKeys | null) {
    this.#policy = policy;
    this.#keys = keys;
    this.#pseudonyms = new Pseudonyms(policy.hash);
    this.#plans = new Map(severities.map((severity) => [severity, planOf(policy, severity)]));
    this.scrub = createScrubber(policy);
  }

  mask(event: AuditEvent): AuditEvent {
    const plan = this.#planOf(event);
    const isPerson = this.#isPerson(event);
    const sub = this.#facts(event, plan, "sub", isPerson);
    const obj = this.#facts(event, plan, "obj", true);
    const ctx = this.#facts(event, plan, "ctx", true);
    if (sub === event.sub && obj === event.obj && ctx === event.ctx) return event;
    return { ...event, sub, obj, ctx };
  }

  maskFact(event: MaskedEvent, dimension: MaskedDimension, name: string, text: string): string {
    const isPerson = dimension !== "sub" || this.#isPerson(event);
    return this.#masked(event, this.#planOf(event), text, dimension, name, isPerson);
  }

  isTagged(dimension: MaskedDimension, name: string): boolean {
    return this.#policy.tags.has(`${dimension}.${name}`);
  }

  isCleanName(name: string): boolean {
    return this.#name(name) === name;
  }

  /** Of a severity that the schema does not have, what is hidden most. */
  #planOf({ severity }: MaskedEvent): Plan {
    return this.#plans.get(severity) ?? this.#plans.get("CRITICAL")!;
  }

  #isPerson({ sub }: MaskedEvent): boolean {
    return !this.#policy.impersonal.has(own(sub, "kind") ?? "");
  }

  async settled(): Promise<void> {
    await this.#keys?.settled();
  }

  #facts(event: AuditEvent, plan: Plan, dimension: MaskedDimension, isPerson: boolean): EventFacts {
    const facts = event[dimension];
    let copy: WritableFacts | null = null;
    // Half the cost of `Object.keys`; what is inherited is no own member.
    for (const name in facts) {
      const value = own(facts, name);
      if (value === undefined) continue;
      const text = typeof value === "string" ? value : String(value);
      const result = this.#masked(event, plan, text, dimension, name, isPerson);
      const its = this.#name(name);
      if (result === value && its === name) continue;
      copy ??= { ...facts };
      if (its !== name) delete copy[name];
      // Four times as fast as `setOwn`, which is for the one name that needs it.
      if (its === "__proto__") setOwn(copy, its, result);
      else copy[its] = result;
    }
    return copy ?? facts;
  }

  #masked(
    event: MaskedEvent,
    plan: Plan,
    text: string,
    dimension: MaskedDimension,
    name: string,
    isPerson: boolean,
  ): string {
    const tagged = plan.tags[dimension].get(name);
    return tagged !== undefined && (isPerson || tagged.tag !== "subject")
      ? this.#tagged(event, text, dimension, name, tagged)
      : this.#searched(event, plan, text, dimension, name);
  }

  #tagged(
    event: MaskedEvent,
    text: string,
    dimension: MaskedDimension,
    name: string,
    { tag, strategy }: TagRule,
  ): string {
    if (text === "") return text;
    const subject = tag === "subject" ? text : null;
    const its = { text, canonical: text, kind: tag, subject, ordinal: 0, dimension, name };
    return this.#strategies[strategy](its, event);
  }

  #searched(event: MaskedEvent, plan: Plan, text: string, dimension: MaskedDimension, name: string): string {
    const hits = findSensitive(text, this.#policy.detect);
    if (hits === null) return text;
    let result = "";
    let from = 0;
    for (const { kind, start, end, canonical } of hits) {
      const strategy = plan.kinds.get(kind)!;
      result += text.slice(from, start);
      const ordinal = strategy === "encrypt" ? countFields(result) : 0;
      const its = {
        text: text.slice(start, end),
        canonical,
        kind,
        subject: null,
        dimension,
        name,
        ordinal,
      };
      result += this.#strategies[strategy](its, event);
      from = end;
    }
    return result + text.slice(from);
  }

  /** A name is masked, whatever the rules: nothing opens it again. */
  #name(name: string): string {
    if (name.length < LONG_NAME) return name;
    const hits = findSensitive(name, this.#policy.detect);
    return hits === null ? name : this.scrub.text(name);
  }

  #keyOf({ subject }: Sensitive, { sub }: MaskedEvent): SubjectKey {
    if (this.#keys === null) throw baseErrors.error("INTERNAL", "A masker without keys was to encrypt.");
    return this.#keys.keyOf(subject ?? this.#subjectOf(sub));
  }

  #subjectOf(sub: EventFacts): string {
    for (const name of this.#policy.subjectMembers) {
      const found = own(sub, name);
      if (found) return found;
    }
    return "";
  }
}

function planOf({ tags, rules }: MaskingPolicy, severity: (typeof severities)[number]): Plan {
  const kinds = new Map([...rules].map(([name, rule]) => [name, rule[severity]]));
  const tagsOf = (dimension: MaskedDimension) =>
    new Map(
      [...tags]
        .filter(([member]) => member.startsWith(`${dimension}.`))
        .map(([member, tag]) => [member.slice(dimension.length + 1), { tag, strategy: kinds.get(tag)! }]),
    );
  return { tags: { sub: tagsOf("sub"), obj: tagsOf("obj"), ctx: tagsOf("ctx") }, kinds };
}
