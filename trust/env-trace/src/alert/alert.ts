/** What is told of a change, and of a P1 that is raised or ended: names of variables and never a value. */
import type { WorkEvent } from "@cupel/base";
import type { EnvironmentChange } from "../diff/watch-environment.ts";
import type { FuseOutcome } from "./fuse.ts";

export type Alert =
  | {
      readonly kind: "change";
      /** Milliseconds since the epoch. */
      readonly at: number;
      readonly variables: readonly ChangedVariable[];
      /** Of variables that are not named, because they are too many. */
      readonly others: number;
    }
  | { readonly kind: "raised"; readonly at: number; readonly priority: "P1"; readonly hits: number }
  | {
      readonly kind: "ended";
      readonly at: number;
      readonly priority: "P1";
      readonly hits: number;
      readonly because: "duration" | "silence";
    };

export interface ChangedVariable {
  readonly scope: string;
  readonly name: string;
  readonly change: "added" | "removed" | "changed";
}

/** Variables that one alert names. */
const mostNamed = 20;

const changes = { "only-first": "removed", "only-second": "added", differs: "changed" } as const;

export function alertOfChange({ at, differences }: EnvironmentChange): Alert {
  const named = differences.slice(0, mostNamed);
  return {
    kind: "change",
    at,
    variables: named.map(({ scope, name, class: kind }) => ({ scope, name, change: changes[kind] })),
    others: differences.length - named.length,
  };
}

/** @param at milliseconds since the epoch */
export function alertOfFuse(outcome: FuseOutcome, at: number): Alert {
  const { hits } = outcome;
  return outcome.kind === "raised"
    ? { kind: "raised", at, priority: "P1", hits }
    : { kind: "ended", at, priority: "P1", hits, because: outcome.because };
}

/** As a record has it. */
export function eventOfAlert(alert: Alert, subject: WorkEvent["subject"]): WorkEvent {
  const event = { action: "ENV.CHANGE", subject, object: {} } as const;
  switch (alert.kind) {
    case "change": {
      const names = (change: ChangedVariable["change"]) =>
        alert.variables
          .filter((each) => each.change === change)
          .map(({ name }) => name)
          .join(" ");
      const facts = Object.entries({
        added: names("added"),
        removed: names("removed"),
        changed: names("changed"),
      });
      const count = String(alert.variables.length + alert.others);
      return {
        ...event,
        severity: "WARN",
        object: Object.fromEntries(facts.filter(([, text]) => text !== "")),
        context: { variables: count },
      };
    }
    case "raised":
      return {
        ...event,
        severity: "CRITICAL",
        context: { alert: "P1", step: "raised", hits: String(alert.hits) },
      };
    case "ended":
      return {
        ...event,
        severity: "INFO",
        context: { alert: "P1", step: "ended", hits: String(alert.hits), because: alert.because },
      };
  }
}

/** One line for a person. */
export function alertLine(alert: Alert): string {
  switch (alert.kind) {
    case "change": {
      const names = alert.variables.map(
        ({ change, name, scope }) => `${change} ${name}${scope === "environment" ? "" : ` (${scope})`}`,
      );
      return [...names, ...(alert.others > 0 ? [`and ${alert.others} more`] : [])].join(", ");
    }
    case "raised":
      return `P1: ${alert.hits} changes in a row`;
    case "ended":
      return `P1 is over, after ${alert.because === "silence" ? "a time without a change" : "its longest time"}`;
  }
}
