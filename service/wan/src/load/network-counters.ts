/**
 * What the kernel counted in this network namespace, where nobody but the generator sends: bytes and packets with every
 * header and everything sent again, and connections made, whatever library made them.
 */
import { readFileSync } from "node:fs";

export interface NetworkCounters {
  readonly sentBytes: number;
  readonly sentPackets: number;
  readonly receivedBytes: number;
  readonly receivedPackets: number;
  /** Connections that were begun here. */
  readonly connections: number;
  /** Segments that were sent again. */
  readonly retransmitted: number;
}

/** @param device of the emulated link */
export function readNetworkCounters(device: string): NetworkCounters {
  return parseNetworkCounters(
    readFileSync("/proc/self/net/dev", "utf8"),
    readFileSync("/proc/self/net/snmp", "utf8"),
    device,
  );
}

/** Pure. Files of proc_net(5). */
export function parseNetworkCounters(dev: string, snmp: string, device: string): NetworkCounters {
  const row = dev.split("\n").find((line) => line.trimStart().startsWith(`${device}:`));
  const [receivedBytes = 0, receivedPackets = 0, , , , , , , sentBytes = 0, sentPackets = 0] = (row ?? "")
    .replace(/^.*?:\s*/, "")
    .split(/\s+/)
    .map(Number);
  const [names = "", values = ""] = snmp.split("\n").filter((line) => line.startsWith("Tcp:"));
  const tcp = new Map(names.split(" ").map((name, i) => [name, Number(values.split(" ")[i])]));
  return {
    sentBytes,
    sentPackets,
    receivedBytes,
    receivedPackets,
    connections: tcp.get("ActiveOpens") ?? 0,
    retransmitted: tcp.get("RetransSegs") ?? 0,
  };
}

export function networkSince(before: NetworkCounters, after: NetworkCounters): NetworkCounters {
  return {
    sentBytes: after.sentBytes - before.sentBytes,
    sentPackets: after.sentPackets - before.sentPackets,
    receivedBytes: after.receivedBytes - before.receivedBytes,
    receivedPackets: after.receivedPackets - before.receivedPackets,
    connections: after.connections - before.connections,
    retransmitted: after.retransmitted - before.retransmitted,
  };
}
