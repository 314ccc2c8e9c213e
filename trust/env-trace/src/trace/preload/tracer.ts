/** What every part of the preload asks: who does this, may it, and is it written down. */
import { writeSync } from "node:fs";
import { listedNames, namesOfNode } from "../../policy/listed-names.ts";
import { createRights, type RowRights } from "../../policy/rights.ts";
import type { TraceSettings } from "../trace-settings.ts";
import type { Attribute, Doer } from "./attribution.ts";
import { type CodeOwner, nodeItself } from "./code-owner.ts";
import type { KnownValues } from "./masking.ts";
import { assign, NameMap, toUpperCase } from "./primordials.ts";
import type { Recorder } from "./recorder.ts";

const RefusedRead = Error;

export type Access = "read" | "write" | "delete";
export type Trap = (...given: never[]) => unknown;

export interface Tracer {
  /** The environment itself. */
  readonly real: NodeJS.ProcessEnv;
  readonly isEnforced: boolean;
  readonly isTagged: (name: string) => boolean;
  /** One name for one variable, as the system has it: on Windows in any case of letters. */
  readonly keyOf: (name: string) => string;
  readonly recorder: Recorder;
  /** To be told of every change of the environment. */
  readonly values: KnownValues;
  /** As far as the first package that is not of Node.js. */
  doerOf(isWhole: boolean, below: Trap): Doer;
  rightsOf(doer: Doer): RowRights;
  /** Writes it down. @returns null where it may be done, or else whom it is kept from */
  access(kind: Access, name: string, below: Trap): CodeOwner | null;
  /** What a denied read gives. @throws Error ENV_ACCESS_DENIED where the policy has it so */
  refused(name: string, owner: CodeOwner): undefined;
  /** @throws Error ENV_ACCESS_DENIED */
  refuse(what: string, owner: CodeOwner): never;
  /** Whether a name of a list may be known to who asks for it. Nothing is written down. */
  isVisible(name: string, below: Trap): boolean;
  /** Of all names. @returns which of them the caller may know */
  enumerate(below: Trap): (name: string) => boolean;
  /** In mode warn: says it once for each. */
  warn(what: string, name: string, doer: Doer): void;
}

export interface TracerParts {
  readonly settings: TraceSettings;
  readonly real: NodeJS.ProcessEnv;
  readonly isTagged: (name: string) => boolean;
  readonly values: KnownValues;
  readonly attribute: Attribute;
  readonly recorder: Recorder;
}

/** In these modules of Node.js the environment is only copied for a child: `children.ts` and `threads.ts` see to it. */
const handingOn = "node:child_process";

export function createTracer(parts: TracerParts): Tracer {
  const { settings, real, isTagged, values, attribute, recorder } = parts;
  const anyCase = process.platform === "win32";
  const isOfNode = listedNames(namesOfNode, anyCase);
  const rights = createRights(settings.packages, anyCase);
  const isEnforced = settings.mode === "deny";
  const hasPolicy = settings.packages !== null;
  const warned = new NameMap<true>();
  const keyOf = (name: string) => (anyCase ? toUpperCase(name) : name);

  const tracer: Tracer = {
    real,
    isEnforced,
    isTagged,
    keyOf,
    recorder,
    values,
    doerOf: attribute,
    rightsOf: ({ owner }) => rights(owner.package),
    access(kind, name, below) {
      const key = keyOf(name);
      const doer = closerLook(kind, key, attribute(isTagged(key), below), below);
      if (doer.through === handingOn && kind === "read") {
        return !isEnforced || tracer.rightsOf(doer).children(name) ? null : doer.owner;
      }
      // Asked by Node.js for itself, whoever called it.
      const isByNode = doer.through !== null && kind === "read" && isOfNode(name);
      const who = isByNode ? { ...doer, owner: nodeItself } : doer;
      const its = tracer.rightsOf(who);
      const isListed = isByNode || (kind === "read" ? its.read(name) : its.write(name));
      const denied = isEnforced && !isListed;
      recorder.record({ kind, key, doer: who, denied });
      if (!isListed) tracer.warn(kind, key, who);
      return denied ? who.owner : null;
    },
    refused(name, owner) {
      // Node.js itself would end the program.
      return settings.denied === "throw" && owner !== nodeItself ? tracer.refuse(name, owner) : undefined;
    },
    refuse(what, { package: name }) {
      const message = `The policy of the environment keeps ${what} from ${name}.`;
      throw assign(new RefusedRead(message), { code: "ENV_ACCESS_DENIED" });
    },
    isVisible(name, below) {
      if (!isEnforced) return true;
      const doer = attribute(false, below);
      const its = tracer.rightsOf(doer);
      return doer.through === handingOn ? its.children(name) : its.read(name);
    },
    enumerate(below) {
      const doer = attribute(true, below);
      if (doer.through !== handingOn) recorder.record({ kind: "enumerate", key: null, doer, denied: false });
      if (!isEnforced) return () => true;
      const its = tracer.rightsOf(doer);
      return doer.through === handingOn ? its.children : its.read;
    },
    warn(what, name, { owner }) {
      if (settings.mode !== "warn" || !hasPolicy) return;
      const sentence = `cupel env trace: ${owner.package} is not listed for: ${what} ${name}`;
      if (warned.get(sentence)) return;
      warned.set(sentence, true);
      writeSync(2, `${sentence}\n`);
    },
  };
  return tracer;

  /** The whole stack, once for each package and name. */
  function closerLook(kind: Access, key: string, near: Doer, below: Trap): Doer {
    // Who called a package manager is of no interest.
    const isEnough =
      near.isWhole || near.owner.class === "tool" || recorder.isKnown(kind, key, near.owner.package);
    return isEnough ? near : attribute(true, below);
  }
}
