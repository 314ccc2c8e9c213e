/**
 * The nodes of a graph in execution order, as a doubly linked list that may be edited while it is
 * walked: a removed node is skipped, one inserted ahead of the walker is visited, and nothing is visited
 * twice. A removed link keeps its neighbours of that moment: a walker that stands on it goes back to the
 * nearest one already passed that still stands, and on from there.
 */
import type { Node } from "./node.ts";

interface Link {
  readonly node: Node;
  previous: Link | null;
  next: Link | null;
  removed: boolean;
}

export class NodeList implements Iterable<Node> {
  #first: Link | null = null;
  #last: Link | null = null;
  readonly #links = new Map<Node, Link>();

  get length(): number {
    return this.#links.size;
  }

  has(node: Node): boolean {
    return this.#links.has(node);
  }

  append(node: Node): void {
    this.#insertAfter(this.#last, node);
  }

  /** `anchor` MUST be in the list. */
  insertBefore(anchor: Node, node: Node): void {
    this.#insertAfter(this.#links.get(anchor)!.previous, node);
  }

  insertAfter(anchor: Node, node: Node): void {
    this.#insertAfter(this.#links.get(anchor)!, node);
  }

  remove(node: Node): void {
    const link = this.#links.get(node);
    if (!link) return;
    if (link.previous) link.previous.next = link.next;
    else this.#first = link.next;
    if (link.next) link.next.previous = link.previous;
    else this.#last = link.previous;
    link.removed = true;
    this.#links.delete(node);
  }

  *[Symbol.iterator](): Iterator<Node> {
    for (let link = this.#first; link; link = this.#following(link)) yield link.node;
  }

  *reversed(): IterableIterator<Node> {
    for (let link = this.#last; link; link = this.#preceding(link)) yield link.node;
  }

  #following(link: Link): Link | null {
    let passed: Link | null = link;
    while (passed?.removed) passed = passed.previous;
    return passed ? passed.next : this.#first;
  }

  #preceding(link: Link): Link | null {
    let passed: Link | null = link;
    while (passed?.removed) passed = passed.next;
    return passed ? passed.previous : this.#last;
  }

  #insertAfter(previous: Link | null, node: Node): void {
    const next = previous ? previous.next : this.#first;
    const link: Link = { node, previous, next, removed: false };
    if (previous) previous.next = link;
    else this.#first = link;
    if (next) next.previous = link;
    else this.#last = link;
    this.#links.set(node, link);
  }
}
