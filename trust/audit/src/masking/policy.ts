/** A policy of masking, checked and with its defaults. A mistake is an error at start that says where, never a value that is not masked. */
import { suggest } from "@cupel/base";
import { Compile } from "typebox/compile";
import { auditErrors } from "../errors.ts";
import { assertCipher, type CipherName } from "../keys/authenticated-cipher.ts";
import { type HashName, hashNames } from "../keys/generations.ts";
import { type DetectedKind, detectedKinds } from "./detect/hit.ts";
import {
  type BySeverity,
  type MaskingPolicyInput,
  maskingPolicySchema,
  type StrategyName,
  severities,
  strategyNames,
} from "./policy-schema.ts";

export interface MaskingPolicy {
  readonly cipher: CipherName;
  readonly hash: HashName;
  /** By "sub.id". */
  readonly tags: ReadonlyMap<string, string>;
  /** Of each tag and each kind that is detected. */
  readonly rules: ReadonlyMap<string, BySeverity>;
  readonly detect: ReadonlySet<DetectedKind>;
  readonly impersonal: ReadonlySet<string>;
  /** Members of `sub` that are tagged `subject`, in the order of the policy. */
  readonly subjectMembers: readonly string[];
  /** Does anything need the keys of subjects? */
  readonly needsKeys: boolean;
}

const always = (name: StrategyName): BySeverity => ({ INFO: name, WARN: name, ERROR: name, CRITICAL: name });
/** What matters is worth finding out later, by whom the keys are given to. */
const worthFindingOut = (usually: StrategyName): BySeverity => ({
  INFO: usually,
  WARN: usually,
  ERROR: "encrypt",
  CRITICAL: "encrypt",
});

const defaultRules: ReadonlyMap<string, BySeverity> = new Map([
  ["subject", always("pseudonym")],
  ["private", worthFindingOut("mask")],
  ["keep", always("keep")],
  ["secret", always("mask")],
  ["email", worthFindingOut("mask")],
  ["residentId", worthFindingOut("mask")],
  ["bankCard", worthFindingOut("mask")],
  ["mobile", worthFindingOut("mask")],
  ["ip", worthFindingOut("truncate")],
]);
const defaultTags = [
  ["sub.id", "subject"],
  ["ctx.ip", "ip"],
] as const;

const compiled = Compile(maskingPolicySchema);

/** @throws MASKING_POLICY_INVALID, CIPHER_REFUSED; the details have `pointer` */
export function parsePolicy(input: unknown): MaskingPolicy {
  // By name, before the schema only says that it is none of two.
  if (typeof input === "object" && input !== null && "cipher" in input) {
    assertCipher(String(input.cipher), "/cipher");
  }
  if (!compiled.Check(input)) throw misfit(compiled.Errors(input));
  const { cipher = "aes-256-gcm", hash = "sha256" } = input;
  const tags = new Map([...defaultTags, ...Object.entries(input.tags ?? {})]);
  const rules = new Map(defaultRules);
  for (const [name, rule] of Object.entries(input.rules ?? {})) {
    rules.set(name, typeof rule === "string" ? always(rule) : rule);
  }
  assertTagged(input, rules, tags);
  const detect = new Set(input.detect ?? detectedKinds);
  const used = [...new Set([...tags.values(), ...detect])].flatMap((name) =>
    Object.values(rules.get(name) ?? {}),
  );
  const needsKeys = used.some((strategy) => strategy === "pseudonym" || strategy === "encrypt");
  const subjectMembers = [...tags]
    .filter(([member, tag]) => tag === "subject" && member.startsWith("sub."))
    .map(([member]) => member.slice("sub.".length));
  return {
    cipher,
    hash,
    tags,
    rules,
    detect,
    impersonal: new Set(input.impersonal),
    subjectMembers,
    needsKeys,
  };
}

/** A tag without a rule would leave its member as it is; a rule without a tag is a slip of the pen. */
function assertTagged(
  { tags = {}, rules: given = {} }: MaskingPolicyInput,
  rules: ReadonlyMap<string, BySeverity>,
  allTags: ReadonlyMap<string, string>,
): void {
  for (const [member, tag] of Object.entries(tags)) {
    if (rules.has(tag)) continue;
    throw invalid(`/tags/${escaped(member)}`, `the tag ${tag} has no rule${meant(tag, [...rules.keys()])}`);
  }
  const known = [...defaultRules.keys(), ...allTags.values()];
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    throw invalid(
      `/rules/${escaped(name)}`,
      `no member has this tag and no detector this kind${meant(name, known)}`,
    );
  }
}

function meant(given: string, known: readonly string[]): string {
  const near = suggest(given, known);
  return near === null ? `; known are ${[...new Set(known)].join(", ")}` : `; did you mean ${near}?`;
}

const escaped = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

interface Misfit {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
}

/** What the words of the schema library leave unsaid, by the beginning of the pointer. */
const advice: readonly (readonly [string, string])[] = [
  ["/rules/", `a rule is one of ${strategyNames.join(", ")}, or one for each of ${severities.join(", ")}`],
  ["/tags/", "a member is named sub.NAME, obj.NAME or ctx.NAME, and its tag is a text"],
  ["/detect/", `kinds are ${detectedKinds.join(", ")}`],
  ["/hash", `hashes are ${hashNames.join(", ")}`],
  ["/", `settings are ${Object.keys(maskingPolicySchema.properties).join(", ")}`],
];

/** The deepest is the nearest to what is wrong. A member too many is a misfit of the schema `false`. */
function misfit(misfits: readonly Misfit[]) {
  const depth = ({ instancePath }: Misfit): number => instancePath.split("/").length;
  const deepest = misfits.reduce((best, each) => (depth(each) > depth(best) ? each : best), misfits[0]!);
  const { instancePath: pointer } = deepest;
  const messages = misfits
    .filter((each) => each.instancePath === pointer)
    .map(({ keyword, message }) => (keyword === "boolean" ? "it is not known" : message));
  const more = advice.find(([start]) => pointer.startsWith(start))?.[1];
  return invalid(pointer, [[...new Set(messages)].join(", or "), ...(more ? [more] : [])].join("; "));
}

function invalid(pointer: string, reason: string) {
  return auditErrors.error(
    "MASKING_POLICY_INVALID",
    `The policy of masking has a mistake at ${pointer || "its top"}: ${reason}.`,
    { details: { pointer } },
  );
}
