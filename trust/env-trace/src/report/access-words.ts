/** Facts in words, the same in every form of the report. */
import type { ObservationKind } from "../observation.ts";
import type { EnvAccess } from "./accesses.ts";

const verbs: Readonly<Record<ObservationKind, (name: string) => string>> = {
  read: (name) => `reads ${name}`,
  write: (name) => `writes ${name}`,
  delete: (name) => `deletes ${name}`,
  enumerate: () => "lists all names",
  inherit: (name) => `hands ${name} on to a child`,
  report: () => "asks for a diagnostic report",
  "load-file": (name) => `sets ${name} from a file`,
};

export function accessSentence({ package: name, kind, key, callers }: EnvAccess): string {
  // That the program calls its packages says nothing.
  const others = callers.filter((caller) => caller !== "program");
  const by = others.length === 0 ? "" : `, called by ${others.join(" and ")}`;
  return `${name} ${verbs[kind](key ?? "")}${by}`;
}
