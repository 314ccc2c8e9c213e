/** What stands in a log and must not: tokens, passwords and paths, taken out of texts that others wrote. */

interface Rule {
  readonly finds: RegExp;
  readonly puts: string;
}

const rules: readonly Rule[] = [
  // Before the words: "authorization: Bearer x" is both.
  { finds: /\b(bearer|basic)\s+[\w.~+/=-]+/gi, puts: "$1 [redacted]" },
  { finds: /\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g, puts: "[redacted]" },
  {
    finds:
      /\b(api[-_]?key|authorization|password|passwd|passphrase|secret|token)(["']?\s*[=:]\s*)(?!\s*bearer|\s*basic)["']?[^\s"',;&}]+/gi,
    puts: "$1$2[redacted]",
  },
  { finds: /\/\/[^\s/@]+@/g, puts: "//[redacted]@" },
  {
    finds: /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
    puts: "[redacted]",
  },
  // A path keeps its last name, which says what it is about and not where it lies. A URL is none.
  { finds: /(?<![\w/:.~-])(?:file:\/\/)?(?:\/[^\s/"'`:,;()<>]+)+(\/[^\s/"'`:,;()<>]*)/g, puts: "[path]$1" },
  { finds: /\b[A-Za-z]:\\(?:[^\s\\"'`:,;()<>]+\\)*([^\s\\"'`:,;()<>]*)/g, puts: "[path]\\$1" },
];

export function redact(text: string): string {
  return rules.reduce((redacted, { finds, puts }) => redacted.replace(finds, puts), text);
}
