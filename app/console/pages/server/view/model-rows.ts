/** The versions that the page lists: those that the server tells of, else those that it counts requests of. */
import { type Snapshot, totalsBy } from "./snapshot.ts";

/** As the repository's index has it. */
export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: string;
  readonly reason: string;
  readonly code: string;
}

export interface StateWords {
  readonly text: string;
  readonly look: "good" | "busy" | "bad" | "idle";
}

/** What of an answer is an index; anything else is left out. */
export function readIndex(answer: unknown): IndexEntry[] {
  if (!Array.isArray(answer)) return [];
  return answer.flatMap((each: unknown) => {
    const text = (name: string) => {
      const value: unknown = typeof each === "object" && each !== null ? Reflect.get(each, name) : "";
      return typeof value === "string" ? value : "";
    };
    const entry = {
      name: text("name"),
      version: text("version"),
      state: text("state"),
      reason: text("reason"),
      code: text("code"),
    };
    return entry.name === "" ? [] : [entry];
  });
}

/** Who may not see the index is shown what may be seen: models that were asked for. */
export function rowsWithoutIndex(latest: Snapshot | null): IndexEntry[] {
  if (latest === null) return [];
  const models = [...totalsBy(latest, "cupel_requests_total", "model").keys()].filter(
    (model) => model !== "" && model !== "other",
  );
  return models.sort().flatMap((name) => {
    const of = totalsBy(latest, "cupel_requests_total", "version", (labels) => labels.get("model") === name);
    const versions = [...of.keys()].filter((version) => version !== "").sort();
    return versions.map((version) => ({ name, version, state: "", reason: "", code: "" }));
  });
}

/** A version that is in service may have a newer file that was refused. */
export function stateWords({ state, reason, code }: IndexEntry): StateWords {
  if (state === "READY")
    return reason === ""
      ? { text: "ready", look: "good" }
      : { text: "ready, newer file refused", look: "busy" };
  if (state === "LOADING") return { text: "loading", look: "busy" };
  if (state === "UNLOADING") return { text: "unloading", look: "busy" };
  if (state === "") return { text: "unknown", look: "idle" };
  return code === "" ? { text: "not loaded", look: "idle" } : { text: "failed", look: "bad" };
}

/** Names of models that can be tried, without repeats. */
export function readyModels(entries: readonly IndexEntry[]): string[] {
  return [
    ...new Set(entries.filter(({ state }) => state === "READY" || state === "").map(({ name }) => name)),
  ];
}

/** The newest version that is ready. */
export function isCurrent(entry: IndexEntry, entries: readonly IndexEntry[]): boolean {
  const ready = entries.filter(({ name, state }) => name === entry.name && state === "READY");
  return ready.at(-1) === entry;
}
