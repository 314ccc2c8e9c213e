/** How the work on an input may end: well, or with an error of a package's table. All else is a finding. */
import { CupelError } from "@cupel/base";

/** A defect that was wrapped at a boundary is one. */
export function isRefusal(thrown: unknown): thrown is CupelError {
  return thrown instanceof CupelError && thrown.code !== "INTERNAL";
}

/** Null where it was refused, so that other work on the same input goes on. @throws what is a finding */
export async function attempt<Result>(work: () => Result | Promise<Result>): Promise<Result | null> {
  try {
    return await work();
  } catch (thrown) {
    if (isRefusal(thrown)) return null;
    throw thrown;
  }
}
