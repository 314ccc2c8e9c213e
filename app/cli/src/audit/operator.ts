/** Who runs the command, for the record: the account of the system. It is masked as all that names a person. */
import { userInfo } from "node:os";
import type { EventFacts } from "@cupel/base";

export function operator(): EventFacts {
  return { kind: "operator", id: account() };
}

/** A container may run under a number that has no name. */
function account(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
