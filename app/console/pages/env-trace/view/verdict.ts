/** A trace in a few sentences: what a reader must know first. */
import { plural } from "../../../shared/view/number-text.ts";
import type { EnvTraceDocument, TracedAccess } from "../../../src/env-pages.ts";

export interface Remark {
  readonly isWarning: boolean;
  readonly bold: string;
  readonly text: string;
}

export function titleOf({ accesses, keys, packages }: EnvTraceDocument): string {
  if (accesses.length === 0) return "Nothing was seen";
  const touching = new Set<number>();
  const secrets = new Set<number>();
  for (const { key, package: at } of accesses) {
    if (key === null || keys.at(key)?.isTagged !== true) continue;
    touching.add(at);
    secrets.add(key);
  }
  const of = plural(packages.length, "package");
  if (secrets.size === 0) return `None of ${of} touches a secret`;
  return `${touching.size} of ${of} ${touching.size === 1 ? "touches" : "touch"} ${plural(secrets.size, "secret")}`;
}

export function remarksOf(trace: EnvTraceDocument): Remark[] {
  const { accesses, packages, mode, baseline, lockfile } = trace;
  if (accesses.length === 0)
    return [warning("No access.", "The program is none of Node.js, or it dropped NODE_OPTIONS.")];
  const remarks: Remark[] = [];
  const denied = accesses.filter(({ isDenied }) => isDenied).length;
  const unlisted = accesses.filter(({ isDenied, isListed }) => !isDenied && !isListed).length;
  if (denied > 0)
    remarks.push(warning("Denied.", `${plural(denied, "fact")} that the policy does not list.`));
  if (unlisted > 0)
    remarks.push(
      warning("Not listed.", `${plural(unlisted, "fact")} that the policy does not list and that went on.`),
    );
  if (mode !== null && denied + unlisted === 0)
    remarks.push(good("Listed.", "The policy lists all that was done."));
  const fresh = accesses.filter(({ isNew }) => isNew);
  if (fresh.length > 0) remarks.push(warning("New.", `${freshText(trace, fresh)} since the baseline.`));
  else if (baseline !== null) remarks.push(good("As known.", "The baseline has all that packages did."));
  const updated = packages.filter(({ isNew }) => isNew).length;
  if (updated > 0)
    remarks.push(warning("New packages.", `${plural(updated, "package")} not as in the older lockfile.`));
  else if (lockfile !== null)
    remarks.push(
      good("Same packages.", "The older lockfile has every package that did something, as it is."),
    );
  return remarks;
}

function freshText({ keys }: EnvTraceDocument, fresh: readonly TracedAccess[]): string {
  const tagged = fresh.filter(({ key }) => key !== null && keys.at(key)?.isTagged === true).length;
  return `${plural(fresh.length, "fact")}${tagged === 0 ? "" : `, ${tagged} about secrets,`}`;
}

const warning = (bold: string, text: string): Remark => ({ isWarning: true, bold, text });
const good = (bold: string, text: string): Remark => ({ isWarning: false, bold, text });
