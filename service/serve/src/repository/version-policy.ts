/** Which versions of a model are served. */

export type VersionPolicy =
  /**
   * The highest numbers that can be loaded: one that is broken or not there yet leaves its place to the next lower one.
   */
  | { readonly kind: "latest"; readonly count: number }
  | { readonly kind: "named"; readonly versions: readonly string[] }
  | { readonly kind: "all" };

export const latestVersion: VersionPolicy = { kind: "latest", count: 1 };

export interface Candidates {
  /** The highest first. */
  readonly versions: readonly string[];
  /** As many of them as are to be ready. */
  readonly count: number;
}

/** @param versions canonical numbers, in any order */
export function candidates(policy: VersionPolicy, versions: Iterable<string>): Candidates {
  const descending = [...versions].sort((a, b) => Number(b) - Number(a));
  switch (policy.kind) {
    case "latest":
      return { versions: descending, count: policy.count };
    case "named": {
      const named = descending.filter((version) => policy.versions.includes(version));
      return { versions: named, count: named.length };
    }
    case "all":
      return { versions: descending, count: descending.length };
  }
}
