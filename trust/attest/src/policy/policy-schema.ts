/**
 * What a policy may say, as JSON Schema: whose seals count, which do not any more, and whether an older one may come back.
 * Members that are not named here are refused: a rule with a slip of the pen would be none.
 */
import type { Schema } from "@cupel/base";

/** A path is relative to the policy's file; PEM may stand here itself. */
const pem = { type: "string", minLength: 1, expects: "a path, or PEM" } as const;
const text = { type: "string", minLength: 1, expects: "a text that is not empty" } as const;
const digest = {
  type: "string",
  pattern: "^[0-9a-f]{64}$",
  expects: "64 digits of lower-case hex",
} as const;
const fingerprint = {
  type: "string",
  pattern: "^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$",
  expects: "32 bytes in hex, with or without colons",
} as const;
const list = <Its extends Schema>(items: Its, description: string) =>
  ({ type: "array", items, description }) as const;

/** By the member that tells them apart. */
export const signerSchemas = {
  key: {
    type: "object",
    properties: { key: { ...pem, description: "A public key" } },
    required: ["key"],
    additionalProperties: false,
  },
  certificate: {
    type: "object",
    properties: { certificate: { ...pem, description: "An authority, or a signer's own certificate" } },
    required: ["certificate"],
    additionalProperties: false,
  },
} as const satisfies Readonly<Record<string, Schema>>;

export const policySchema = {
  type: "object",
  properties: {
    signers: {
      type: "array",
      minItems: 1,
      items: { anyOf: Object.values(signerSchemas) },
      expects: 'a list of at least one signer, such as [{ "key": "signer.pub" }]',
      description: "Whose seals count: that of one of them is enough",
    },
    roots: {
      type: "array",
      minItems: 1,
      items: digest,
      expects: "a list of at least one root",
      description:
        "Roots, by SHA-256 or SM3, of the folders that may be loaded. Left out: all that a signer sealed. Without signers, what has such a root needs none",
    },
    revoked: {
      type: "object",
      properties: {
        roots: list(digest, "Roots, by SHA-256 or SM3, of folders that may not be loaded any more"),
        keys: list(digest, "Identifiers of keys whose seals do not count any more: SHA-256 of their PEM"),
        certificates: list(fingerprint, "SHA-256 fingerprints of signers' certificates, likewise"),
      },
      required: [],
      additionalProperties: false,
      description: "Goes before all else",
    },
    rollback: {
      enum: ["refuse", "allow"],
      default: "refuse",
      description: "Of a model that was sealed before one of its name that was seen already",
    },
    state: {
      ...text,
      description:
        "Path of the file that keeps the latest seal that was seen of each name; needed with signers unless roll-back is allowed",
    },
  },
  required: [],
  additionalProperties: false,
} as const satisfies Schema;

export type SignerDocument = { readonly key: string } | { readonly certificate: string };

export interface PolicyDocument {
  readonly signers?: readonly SignerDocument[];
  readonly roots?: readonly string[];
  readonly revoked?: {
    readonly roots?: readonly string[];
    readonly keys?: readonly string[];
    readonly certificates?: readonly string[];
  };
  readonly rollback?: "refuse" | "allow";
  readonly state?: string;
}
