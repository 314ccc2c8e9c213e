/**
 * What an operator says of masking. A member of an event may have a tag ("sub.id" is a `subject`), which decides what happens
 * to it; in all others detectors look for what needs hiding. A rule says how, for each tag and kind, by severity.
 */
import Type, { type Static } from "typebox";
import { cipherNames } from "../keys/authenticated-cipher.ts";
import { hashNames } from "../keys/generations.ts";
import { detectedKinds } from "./detect/hit.ts";

export const strategyNames = ["keep", "mask", "truncate", "pseudonym", "encrypt"] as const;
export type StrategyName = (typeof strategyNames)[number];
export const severities = ["INFO", "WARN", "ERROR", "CRITICAL"] as const;

const strategy = Type.Enum([...strategyNames]);
const bySeverity = Type.Object(
  { INFO: strategy, WARN: strategy, ERROR: strategy, CRITICAL: strategy },
  { additionalProperties: false },
);

export const maskingPolicySchema = Type.Object(
  {
    cipher: Type.Optional(
      Type.Enum([...cipherNames], { description: "Of what is encrypted. Default: aes-256-gcm" }),
    ),
    hash: Type.Optional(Type.Enum([...hashNames], { description: "Of pseudonyms. Default: sha256" })),
    tags: Type.Optional(
      Type.Record(Type.String({ pattern: "^(?:sub|obj|ctx)\\..+$" }), Type.String({ minLength: 1 }), {
        additionalProperties: false,
        description: "Tag of a member. Added to sub.id: subject, ctx.ip: ip; keep: no detector looks at it",
      }),
    ),
    rules: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), Type.Union([strategy, bySeverity]), {
        description: "What is done with a tag or a kind that is detected, always or by severity",
      }),
    ),
    detect: Type.Optional(
      Type.Array(Type.Enum([...detectedKinds]), { description: "Kinds that are looked for. Default: all" }),
    ),
    impersonal: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description:
          "Kinds of subject (sub.kind) that are no people: their id stays, as far as no detector finds something in it",
      }),
    ),
  },
  { additionalProperties: false },
);

/** As it is written, parts left out. */
export type MaskingPolicyInput = Static<typeof maskingPolicySchema>;
export type BySeverity = Readonly<Record<(typeof severities)[number], StrategyName>>;
