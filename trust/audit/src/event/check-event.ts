/**
 * The check that every event passes before it is masked and written, compiled from the schema. It is on the path of every
 * request, and most of its time goes into looking at characters. So it is compiled twice: as the schema says, and
 * for events that a stamper of this thread has just made, without what the stamper sees to (`vouched`). Where the second
 * finds anything the first decides.
 */
import { Ajv } from "ajv";
import { Ajv2020, type Options } from "ajv/dist/2020.js";
import type { AuditEvent } from "../audit-event.ts";
import { actionOf } from "./actions.ts";
import { eventSchema, factNamePattern, utcPattern, writerPattern } from "./event-schema.ts";
import { formats } from "./formats.ts";
import { lineRefusal } from "./line.ts";
import { type EventRefusal, eventRefusalOf } from "./refusal.ts";
import { isJustStamped } from "./stamp.ts";
import { uuidV7Pattern } from "./uuid-v7.ts";
import { visiblePattern } from "./visible-text.ts";

// The rules of subjects by action name members that the schema declares elsewhere.
const options: Options = { strict: true, strictTypes: false, strictRequired: false, formats };

const conforms = new Ajv2020(options).compile<AuditEvent>(eventSchema);

/** What a stamper sees to: how id, time and writer are written, and that no fact has hidden characters. */
const vouched: ReadonlySet<string> = new Set([uuidV7Pattern, utcPattern, writerPattern, visiblePattern]);

/** Which subjects an action has is looked up: as rules of a schema it takes as long as all the rest. */
const { allOf: _, $schema: _of2020, ...withoutSubjects } = eventSchema;

// What is left of the schema means the same in draft-07, for which ajv need not note what was evaluated.
const conformsAsStamped = new Ajv({
  ...options,
  formats: { ...formats, "date-time": true },
  // Lengths in units of UTF-16 instead of characters: never fewer, and found without a walk.
  unicode: false,
  logger: false,
  code: { regExp: Object.assign(matcherOf, { code: "matcherOf" }) },
}).compile<AuditEvent>(withoutSubjects);

/** @returns null where it is one */
export function checkEvent(event: unknown): EventRefusal | null {
  const isOne = (isJustStamped(event) && conformsAsStamped(event) && canDo(event)) || conforms(event);
  return isOne ? lineRefusal(event) : eventRefusalOf(conforms.errors);
}

function canDo({ action, sub }: AuditEvent): boolean {
  const kinds: readonly string[] = actionOf(action)?.subjects ?? [];
  return kinds.includes(sub.kind ?? "");
}

interface Matcher {
  test(text: string): boolean;
  /** Ajv takes two matchers for one where they have the same. */
  toString(): string;
}

function matcherOf(pattern: string, flags: string): Matcher {
  if (vouched.has(pattern)) return { test: () => true, toString: () => pattern };
  const expression = new RegExp(pattern, flags);
  return pattern === factNamePattern ? remembering(expression) : expression;
}

/** Facts have few names. */
const mostRemembered = 1000;

function remembering(expression: RegExp): Matcher {
  const matching = new Set<string>();
  return {
    test(text) {
      if (matching.has(text)) return true;
      if (!expression.test(text)) return false;
      if (matching.size < mostRemembered) matching.add(text);
      return true;
    },
    toString: () => expression.toString(),
  };
}
