/** What env-policy.json says, as it stands in the file. A package that has no row has that of "*"; without one, it may nothing. */

/** report: write down. warn: also say so on standard error. deny: as if the name were not set. */
export type PolicyMode = "report" | "warn" | "deny";

/** What of a denied read comes back. A name that may not be read is in no list of names in either. */
export type DeniedRead = "undefined" | "throw";

/** Names, of which `*` stands for any part. */
export interface PolicyRow {
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** The names that a process or thread which this package starts may get. */
  readonly children: readonly string[];
}

export interface EnvPolicy {
  readonly mode: PolicyMode;
  readonly denied: DeniedRead;
  /** Tagged names, besides those of `taggedNames`. In any case of letters. */
  readonly secrets: readonly string[];
  /** By package; "program", "node", "unknown" and "*" are names too. null: nothing is said of any. */
  readonly packages: ReadonlyMap<string, PolicyRow> | null;
}

/** Where no policy is given: everything is written down, and nothing is held against anyone. */
export const openPolicy: EnvPolicy = { mode: "report", denied: "undefined", secrets: [], packages: null };

/** Names that by custom hold what must stay secret. */
export const taggedNames: readonly string[] = [
  "*SECRET*",
  "*TOKEN*",
  "*PASSWORD*",
  "*PASSWD*",
  "*PASSPHRASE*",
  "*CREDENTIAL*",
  "*PRIVATE_KEY*",
  "*API_KEY*",
  "*APIKEY*",
  "*ACCESS_KEY*",
  "*CONNECTION_STRING*",
  "*_AUTH",
  "*_AUTH_*",
  "*:_AUTH*",
  "*_PAT",
  "*_DSN",
  "DATABASE_URL",
];
