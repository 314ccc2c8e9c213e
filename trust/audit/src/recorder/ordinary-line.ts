/**
 * The line of an ordinary event, in one pass over its facts: checked, masked and written at once. What `checkEvent`,
 * `Masker.mask` and `lineOf` do one after the other walks over every member half a dozen times, and each time asks again
 * what its name means. Here names are learned: a node for each sequence of names that was met knows of its last one what
 * the schema and the policy say of it, and the members that it had of late as JSON.
 *
 * It MUST give the line that those three give, or none: whatever is not ordinary (a name or a value that may not conform,
 * a hidden character, a line that could be too long) is left to them.
 */
import { type EventFacts, own, type WorkEvent } from "@cupel/base";
import { actionOf } from "../event/actions.ts";
import { factNamePattern, longestFact, mostFacts, severities } from "../event/event-schema.ts";
import { formats } from "../event/formats.ts";
import { longestLine, mostBytesACharacter } from "../event/line.ts";
import type { Stamp } from "../event/stamp.ts";
import { gate, gates } from "../masking/detect/gate.ts";
import type { MaskedDimension, Masker } from "../masking/masker.ts";

/** Of all dimensions; names that a caller makes up for each event would grow them without end. */
const mostNodes = 2000;
/** Values of a node that are kept, each at the place that a few of its characters give. */
const places = 32;
const longestKept = 128;
const factName = new RegExp(factNamePattern, "u");
/** Printable ASCII that JSON writes as it is: nothing in it is hidden. */
const plain = /^[ !#-[\]-~]*$/;

class FactNode {
  readonly dimension: MaskedDimension;
  readonly name: string;
  /** `,"name":`, without the comma of the first. */
  readonly begin: string;
  readonly depth: number;
  readonly isTagged: boolean;
  /** Whether the names up to here have those that a subject must have. */
  readonly hasId: boolean;
  readonly hasKind: boolean;
  readonly values: string[] = new Array<string>(places).fill("");
  readonly members: string[] = new Array<string>(places).fill("");
  /** Null of a name that is not ordinary. */
  readonly next = new Map<string, FactNode | null>();
  lastName = "";
  last: FactNode | null = null;

  constructor(dimension: MaskedDimension, before: FactNode | null, name: string, isTagged: boolean) {
    this.dimension = dimension;
    this.name = name;
    this.depth = before === null ? 0 : before.depth + 1;
    this.begin = `${this.depth > 1 ? "," : ""}"${name}":`;
    this.isTagged = isTagged;
    this.hasId = before?.hasId === true || name === "id";
    this.hasKind = before?.hasKind === true || name === "kind";
  }
}

export class OrdinaryLines {
  readonly #masker: Masker;
  readonly #roots: Readonly<Record<MaskedDimension, FactNode>> = {
    sub: new FactNode("sub", null, "", false),
    obj: new FactNode("obj", null, "", false),
    ctx: new FactNode("ctx", null, "", false),
  };
  #nodes = 0;
  /** Of the facts that were written last. */
  #end: FactNode = this.#roots.sub;

  constructor(masker: Masker) {
    this.#masker = masker;
  }

  /** @returns null where the event is not ordinary */
  lineOf(stamp: Stamp, event: WorkEvent): string | null {
    const { action, severity, subject, object, context } = event;
    const { id, time, writer, seq } = stamp;
    if (!severities.includes(severity)) return null;
    const sub = this.#facts(this.#roots.sub, subject, stamp, event);
    const { hasId, hasKind } = this.#end;
    if (sub === null || !hasId || !hasKind || !canDo(action, subject.kind)) return null;
    const obj = this.#facts(this.#roots.obj, object, stamp, event);
    if (obj === null) return null;
    const ctx = this.#facts(this.#roots.ctx, context, stamp, event);
    if (ctx === null) return null;
    const line = `{"id":"${id}","time":"${time}","writer":"${writer}","seq":${seq},"severity":"${severity}","action":"${action}","sub":{${sub}},"obj":{${obj}},"ctx":{${ctx}}}`;
    return mostBytesACharacter * line.length > longestLine ? null : line;
  }

  #facts(root: FactNode, facts: EventFacts, stamp: Stamp, event: WorkEvent): string | null {
    if (typeof facts !== "object" || facts === null) return null;
    if (Object.getPrototypeOf(facts) !== Object.prototype) return null;
    let node = root;
    let text = "";
    for (const name in facts) {
      const next = node.lastName === name ? node.last : this.#next(node, name);
      if (next === null) return null;
      node = next;
      const value: unknown = own(facts, name);
      if (typeof value !== "string") return null;
      const place = placeOf(value);
      if (node.values[place] === value && value !== "") {
        text += node.members[place];
        continue;
      }
      const member = this.#member(node, value, place, stamp, event);
      if (member === null) return null;
      text += member;
    }
    this.#end = node;
    return text;
  }

  #next(node: FactNode, name: string): FactNode | null {
    let next = node.next.get(name);
    if (next === undefined) {
      if (this.#nodes >= mostNodes) return null;
      this.#nodes++;
      const isOrdinary = node.depth < mostFacts && factName.test(name) && this.#masker.isCleanName(name);
      next = isOrdinary
        ? new FactNode(node.dimension, node, name, this.#masker.isTagged(node.dimension, name))
        : null;
      node.next.set(name, next);
    }
    node.lastName = name;
    node.last = next;
    return next;
  }

  #member(node: FactNode, value: string, place: number, stamp: Stamp, event: WorkEvent): string | null {
    const { begin, name, dimension, isTagged } = node;
    if (value.length > longestFact) return null;
    if (dimension === "sub" && name === "id" && value === "") return null;
    if (dimension === "ctx" && name === "ip" && !isAddress(value)) return null;
    const open = isTagged && plain.test(value) ? 0 : gate(value);
    if ((open & gates.hidden) !== 0) return null;
    if (open === 0 && !isTagged) {
      const member = `${begin}"${value}"`;
      if (value.length <= longestKept) {
        node.values[place] = value;
        node.members[place] = member;
      }
      return member;
    }
    const { severity, subject } = event;
    const masked = this.#masker.maskFact({ id: stamp.id, severity, sub: subject }, dimension, name, value);
    return `${begin}${quoted(masked)}`;
  }
}

function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

function canDo(action: string, kind: string | undefined): boolean {
  const kinds: readonly string[] | undefined = actionOf(action)?.subjects;
  return kinds?.includes(kind ?? "") === true;
}

/** Zones are left to the schema. */
function isAddress(text: string): boolean {
  return formats.ipv4(text) || formats.ipv6(text);
}

function placeOf(text: string): number {
  const { length } = text;
  return (length + 5 * text.charCodeAt(length - 1) + 7 * text.charCodeAt(length >> 1)) & (places - 1);
}
