/** Events told as fast as they can be, or at a rate, and what that costs the thread that tells them and all threads. */
import { setTimeout as pause } from "node:timers/promises";
import type { Fate, RuntimeWay } from "./ring-ways.ts";

export interface Burst extends Fate {
  /** Of the thread that tells, per event. */
  readonly tellNs: number;
  /** Until what is kept is in the file, per event. */
  readonly wallNs: number;
  /** Processor time of all threads, per event. */
  readonly cpuNs: number;
}

export async function burst(way: RuntimeWay, events: number): Promise<Burst> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  for (let i = 0; i < events; i++) way.tell(i);
  const told = performance.now();
  const fate = await way.settle();
  const settled = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  return {
    ...fate,
    tellNs: (1e6 * (told - began)) / events,
    wallNs: (1e6 * (settled - began)) / events,
    cpuNs: (1000 * (user + system)) / events,
  };
}

const warmUps = 3;
/** Less than a ring holds. */
const warmUpEvents = 20_000;

export interface Paced extends Fate {
  /** With those of the warm-up, as `consumed` and `overwritten` are. */
  readonly offered: number;
  /** Those that the costs are of. */
  readonly measured: number;
  readonly seconds: number;
  /** Microseconds of processor time in all. */
  readonly ownCpuUs: number;
  readonly cpuUs: number;
}

/** An open loop: each millisecond as many as are due by then. Before it, a thread that is new gets its code compiled. */
export async function paced(way: RuntimeWay, eventsPerSecond: number, lengthMs: number): Promise<Paced> {
  for (let warmUp = 0; warmUp < warmUps; warmUp++) await burst(way, warmUpEvents);
  const measured = (eventsPerSecond * lengthMs) / 1000;
  const own = process.threadCpuUsage();
  const all = process.cpuUsage();
  const began = performance.now();
  for (let sent = 0; sent < measured; ) {
    const due = Math.min(measured, Math.floor(((performance.now() - began) * eventsPerSecond) / 1000));
    for (; sent < due; sent++) way.tell(sent);
    await pause(1);
  }
  const fate = await way.settle();
  const seconds = (performance.now() - began) / 1000;
  const sum = ({ user, system }: NodeJS.CpuUsage) => user + system;
  return {
    ...fate,
    offered: warmUps * warmUpEvents + measured,
    measured,
    seconds,
    ownCpuUs: sum(process.threadCpuUsage(own)),
    cpuUs: sum(process.cpuUsage(all)),
  };
}
