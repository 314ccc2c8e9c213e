/**
 * The cache of Lowe's search ("Testing for linearizability", 2017): which configurations were entered before. A
 * configuration is how many operations each thread has behind it, and the state they led to; everything that
 * may follow depends on nothing else, so one that failed once fails always.
 *
 * Members are compared in full, count by count. A key that drops a part (a hash alone, a window of recent
 * operations, low bits of a count) takes a new configuration for one that failed, and reports a violation
 * where there is none.
 *
 * Open addressing over one Int32Array: a string for each member would cost ten times the memory.
 */
import type { State } from "./specification.ts";

export interface ConfigurationSet {
  /** False if it was there. */
  add(counts: Int32Array, state: State): boolean;
}

const FIRST_CAPACITY = 256;

export function createConfigurationSet(threads: number): ConfigurationSet {
  const width = threads + 1;
  // A state is interned: as exact as the Map's equality, which is the specification's, and one word.
  const states = new Map<State, number>();
  const candidate = new Int32Array(width);
  let size = 0;
  let members = new Int32Array(FIRST_CAPACITY * width);
  /** Member + 1; 0 is free. Half of them at most are in use. */
  let slots = new Int32Array(FIRST_CAPACITY * 2);

  function hashAt(words: Int32Array, start: number): number {
    let hash = 0;
    for (let i = 0; i < width; i++) {
      hash = Math.imul(hash ^ words[start + i]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash;
  }

  function isCandidate(member: number): boolean {
    const start = member * width;
    for (let i = 0; i < width; i++) if (members[start + i] !== candidate[i]) return false;
    return true;
  }

  function grow(): void {
    const larger = new Int32Array(members.length * 2);
    larger.set(members);
    members = larger;
    slots = new Int32Array(slots.length * 2);
    const mask = slots.length - 1;
    for (let member = 0; member < size; member++) {
      let slot = hashAt(members, member * width) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = member + 1;
    }
  }

  return {
    add(counts, state) {
      let stateId = states.get(state);
      if (stateId === undefined) {
        stateId = states.size;
        states.set(state, stateId);
      }
      candidate.set(counts);
      candidate[threads] = stateId;

      const mask = slots.length - 1;
      let slot = hashAt(candidate, 0) & mask;
      for (let held = slots[slot]!; held !== 0; held = slots[slot]!) {
        if (isCandidate(held - 1)) return false;
        slot = (slot + 1) & mask;
      }
      members.set(candidate, size * width);
      slots[slot] = ++size;
      if (size * 2 >= slots.length) grow();
      return true;
    },
  };
}
