/**
 * Keys and tokens, by the forms that their issuers document so that they can be found, and by the words before them.
 * One row a form; a form begins with one of the starts that `gate.ts` looks for, and a word needs what is looked for there. Of a form with a group, only the group is
 * the secret. No form reads a character more than a few times, whatever the text.
 */
import type { Hit } from "./hit.ts";

const forms = {
  /** RFC 7468. One that is cut off is secret to its end. */
  pem: String.raw`-----BEGIN [A-Z0-9 ]{1,64}-----(?:(?!-----)[\s\S])*(?:-----END [A-Z0-9 ]{1,64}-----)?`,
  /** RFC 7515 and 7516: `{"` in base64url, and two or four more parts. */
  jwt: String.raw`\beyJ[\w-]{5,}(?:\.[\w-]*){2,4}`,
  /** Access key ids of AWS: a prefix that says of what, and 16 of base32. */
  aws: String.raw`\b(?:ABIA|ACCA|AGPA|AIDA|AKIA|ANPA|ANVA|AROA|ASIA)[A-Z0-9]{16}\b`,
  github: String.raw`\b(?:gh[oprsu]_[A-Za-z0-9]{20,}|github_pat_\w{20,})`,
  gitlab: String.raw`\bglpat-[\w.-]{20,}`,
  slack: String.raw`\bxox[a-z]-[\w-]{10,}`,
  google: String.raw`\bAIza[\w-]{30,}`,
  /** OpenAI, Anthropic, Stripe. */
  serviceKey: String.raw`\b(?:sk|rk|pk)[_-](?:live_|test_|proj-|ant-)?[\w-]{16,}`,
  npm: String.raw`\bnpm_[A-Za-z0-9]{30,}`,
  huggingFace: String.raw`\bhf_[A-Za-z0-9]{20,}`,
  aliyun: String.raw`\bLTAI[A-Za-z0-9]{12,}`,
  tencent: String.raw`\bAKID[A-Za-z0-9]{13,}`,
  vault: String.raw`\bhvs\.[\w-]{20,}`,
  age: String.raw`\bAGE-SECRET-KEY-1[A-Z0-9]{20,}`,
} as const;

const caseless = {
  /** RFC 6750 and 7617. A word of prose after "basic" has no digit and is short. */
  authorization: String.raw`\b(?:bearer|basic|token)\s+((?=[\w+/.~-]*[\d=])[\w+/.~-]{8,}=*|[\w+/.~-]{20,}=*)`,
  /** password=..., "api_key": "..." */
  assignment: String.raw`(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key(?:[_-]?id)?|client[_-]?secret|private[_-]?key|authorization|cookie)\\?["']?\s{0,3}[:=]\s{0,3}(?!(?:bearer|basic|token)\s)(?:\\?"([^"\\]{1,4096})|'([^']{1,4096})|([^\s"'&,;]{1,4096}))`,
} as const;

/** scheme://user:password@host; looked for where there is an @. */
const userInfo = /:\/\/[^\s/:@]{0,256}:([^\s/@]{1,256})@/dg;
const exact = searchFor(Object.values(forms), "");
const worded = searchFor(Object.values(caseless), "i");

interface Search {
  /** Whether there is any: a tenth of the cost of finding where. */
  readonly any: RegExp;
  readonly all: RegExp;
}

function searchFor(sources: readonly string[], flags: string): Search {
  const source = sources.join("|");
  return { any: new RegExp(source, flags), all: new RegExp(source, `dg${flags}`) };
}

export function findSecrets(text: string, hits: Hit[]): void {
  for (const { any, all } of [exact, worded]) if (any.test(text)) collect(all, text, hits);
}

export function findUserInfo(text: string, hits: Hit[]): void {
  collect(userInfo, text, hits);
}

function collect(pattern: RegExp, text: string, hits: Hit[]): void {
  for (const found of text.matchAll(pattern)) {
    const [start, end] = found.indices!.slice(1).find((each) => each !== undefined) ?? found.indices![0]!;
    hits.push({ kind: "secret", start, end, canonical: text.slice(start, end) });
  }
}
