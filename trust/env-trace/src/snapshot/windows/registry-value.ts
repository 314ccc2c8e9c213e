/** What the registry of Windows says of variables, and under which keys it does so. */

/** Whose: of the machine, of a user, and what Windows keeps for the time of a session. */
export type RegistryHive = "machine" | "user" | "volatile";

export interface RegistryValue {
  readonly hive: RegistryHive;
  readonly name: string;
  readonly type: "REG_SZ" | "REG_EXPAND_SZ";
  /** Null: an export that deletes it. */
  readonly value: string | null;
  readonly line: number;
}

export interface ParsedRegistry {
  readonly values: readonly RegistryValue[];
  readonly remarks: readonly string[];
}

const machineKey =
  /^(?:HKEY_LOCAL_MACHINE|HKLM|\\?REGISTRY\\MACHINE)\\SYSTEM\\(?:CurrentControlSet|ControlSet\d{3})\\Control\\Session Manager\\Environment$/i;
const userKey =
  /^(?:HKEY_CURRENT_USER|HKCU|(?:HKEY_USERS|HKU|\\?REGISTRY\\USER)\\[^\\]+)\\(Volatile )?Environment(?:\\\d+)?$/i;

/** Null for a key that is none of the environment. */
export function hiveOf(key: string): RegistryHive | null {
  if (machineKey.test(key)) return "machine";
  const found = userKey.exec(key);
  if (found === null) return null;
  return found[1] === undefined ? "user" : "volatile";
}
