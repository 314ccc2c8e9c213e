/**
 * Tables and records are looked up here by names that come from files, where a value may be called "constructor",
 * "toString" or "__proto__": what every object has besides is no entry.
 */
export function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Makes an entry under any name: assigning to "__proto__" would make none. */
export function setOwn<T>(table: Record<string, T>, name: string, value: T): void {
  Object.defineProperty(table, name, { value, writable: true, enumerable: true, configurable: true });
}
