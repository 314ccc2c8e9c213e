/**
 * Whose doing an access is. Frames of built-in functions and of Node.js pass it on: who gives `process.env` to
 * `JSON.stringify` or to `util.inspect` reads it. So does text that was evaluated without a name: it is its caller's.
 */
import { callSites, type Stack, wholeStack } from "./call-sites.ts";
import { type CodeOwner, nodeItself, unknownOwner } from "./code-owner.ts";
import { startsWith } from "./primordials.ts";

export interface Doer {
  readonly owner: CodeOwner;
  readonly file: string | null;
  line(): number | null;
  /** The nearest module of Node.js between the access and its doer, such as "node:child_process". */
  readonly through: string | null;
  /** The name of the first other package below; null: none, or not looked for. */
  readonly caller: string | null;
  /** Whether it was looked for. */
  readonly isWhole: boolean;
}

export interface AttributionOptions {
  /** The path of the preload: its own frames are no one's. */
  readonly self: string;
  readonly ownerOf: (file: string) => CodeOwner | null;
  /** Whose text `node -e` and eval workers run. */
  readonly starter: CodeOwner;
}

type Below = (...given: never[]) => unknown;

/** Of text that Node.js was started with. */
const isEvaluated = (file: string) =>
  file[0] === "[" &&
  (file === "[eval]" ||
    file === "[eval1]" ||
    file === "[worker eval]" ||
    file === "[stdin]" ||
    startsWith(file, "[eval]-"));

const noLine = () => null;

/** Frames that are enough where the first is that of a package. */
const fewFrames = 2;

export function createAttribution({ self, ownerOf, starter }: AttributionOptions) {
  /** @param isWhole with the caller, or else only as far as the doer. @param below the trap that was entered */
  return function attribute(isWhole: boolean, below: Below): Doer {
    if (!isWhole) {
      const near = judge(callSites(fewFrames, below), false);
      if (near !== null) return near;
    }
    return judge(callSites(wholeStack, below), true)!;
  };

  /** @returns null where a part of the stack does not say it */
  function judge(stack: Stack, isWhole: boolean): Doer | null {
    let doer: { owner: CodeOwner; file: string | null; line: () => number | null } | null = null;
    let through: string | null = null;
    let isNodeFirst = false;
    let isFirst = true;
    for (let i = 0; i < stack.length; i++) {
      const { file, line, isAwaiting } = stack.at(i);
      if (file === self) continue;
      // Who waits for a built-in function did not call it: it may have been handed to a promise by anyone.
      if (isAwaiting && doer === null) break;
      if (file !== null && startsWith(file, "node:")) {
        if (doer === null) {
          if (isFirst) isNodeFirst = true;
          through ??= file;
        }
        isFirst = false;
        continue;
      }
      isFirst = false;
      const owner = file === null || file === "" ? null : isEvaluated(file) ? starter : ownerOf(file);
      if (owner === null) continue;
      if (doer === null) {
        doer = { owner, file, line };
        if (!isWhole) return { ...doer, through, caller: null, isWhole };
      } else if (owner.package !== doer.owner.package) {
        return { ...doer, through, caller: owner.package, isWhole };
      }
    }
    if (!isWhole) return null;
    if (doer !== null) return { ...doer, through, caller: null, isWhole };
    // Nobody's code is on the stack: Node.js by itself, or a built-in function that a timer was handed.
    const owner = isNodeFirst ? nodeItself : unknownOwner;
    return { owner, file: through, line: noLine, through, caller: null, isWhole };
  }
}

export type Attribute = ReturnType<typeof createAttribution>;
