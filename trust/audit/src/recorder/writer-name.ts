/** A name that no other recorder has: of the host, the process and chance. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";

export function usualWriter(): string {
  const host = hostname().replaceAll(/[^A-Za-z0-9.-]/g, "-");
  return `${host.slice(0, 64)}:${process.pid}:${randomUUID().slice(0, 8)}`;
}
