/** Which events are wanted: `action=MODEL.*,sub.id=deploy`, all of which must hold. A star stands for anything. */
import { own, starPattern } from "@cupel/base";

/** What may be asked of, but for facts. */
const members = ["id", "time", "writer", "severity", "action"] as const;

export interface EventFilter {
  /** "action", "sub.id". */
  readonly name: string;
  /** As it was given. */
  readonly pattern: string;
  matches(value: string): boolean;
}

/** Commas part conditions where a name and "=" follow. Undefined where one has another form. */
export function parseFilters(given: string): readonly EventFilter[] | undefined {
  const filters: EventFilter[] = [];
  for (const condition of given.split(/,(?=[A-Za-z][\w.-]*=)/)) {
    const [, name, pattern] = /^([A-Za-z][\w.-]*)=(.*)$/s.exec(condition) ?? [];
    if (name === undefined || pattern === undefined) return undefined;
    if (!members.some((each) => each === name) && !/^(sub|obj|ctx)\../.test(name)) return undefined;
    filters.push({ name, pattern, matches: starPattern(pattern) });
  }
  return filters;
}

/** @param event as it was parsed from a line, or anything else */
export function isWanted(event: unknown, filters: readonly EventFilter[]): boolean {
  return filters.every(({ name, matches }) => {
    const value = textAt(event, name);
    return value !== null && matches(value);
  });
}

function textAt(event: unknown, name: string): string | null {
  const [, map, fact] = /^(sub|obj|ctx)\.(.+)$/s.exec(name) ?? [];
  const value =
    map === undefined || fact === undefined ? memberOf(event, name) : memberOf(memberOf(event, map), fact);
  return typeof value === "string" ? value : null;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? own<unknown>({ ...value }, name) : undefined;
}
