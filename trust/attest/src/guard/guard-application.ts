/**
 * The files of an application against their seal, before anything else of it runs. Asked by environment variables, for the
 * preload has no other words:
 *
 *     CUPEL_GUARD_POLICY    the policy, as a server has it
 *     CUPEL_GUARD_FOLDER    the sealed folder
 *
 * Child processes that inherit both the variables and the preload verify again, each for itself. Threads of a process that
 * was verified do not. What is changed after the verification is not seen.
 */
import { writeSync } from "node:fs";
import { errorFrom } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { admitFolder, verifyFolder } from "../gate/verify-folder.ts";
import { openPolicy } from "../policy/open-policy.ts";

/** As sysexits.h has it: not permitted. Whatever the reason is, a broken policy included. */
const guardExitStatus = 77;

const policyVariable = "CUPEL_GUARD_POLICY";
const folderVariable = "CUPEL_GUARD_FOLDER";

/** Ends the process where the folder is not as it was sealed by somebody whom the policy trusts. */
export async function guardApplication(env: Readonly<NodeJS.ProcessEnv>): Promise<void> {
  try {
    const folder = said(env, folderVariable);
    const policy = await openPolicy(said(env, policyVariable));
    await admitFolder(folder, policy, await verifyFolder(folder, policy));
  } catch (thrown) {
    const { code, message } = errorFrom(thrown);
    // At once: what a process has not written when it ends is lost.
    writeSync(2, `error ${code}: ${message}\nNothing of the application was run.\n`);
    process.exit(guardExitStatus);
  }
}

function said(env: Readonly<NodeJS.ProcessEnv>, name: string): string {
  const value = env[name];
  if (value) return value;
  throw attestErrors.error(
    "POLICY_UNREADABLE",
    `The environment variable ${name} is not set, and the guard needs ${policyVariable} and ${folderVariable}.`,
    { details: { variable: name } },
  );
}
