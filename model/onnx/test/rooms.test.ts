/** The folders of src are rooms: what one imports of another, the other must not import back, by any way. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { test } from "node:test";

const source = join(import.meta.dirname, "../src");

/** The rooms that each room imports from. */
function importsOfRooms(): Map<string, Set<string>> {
  const rooms = new Map<string, Set<string>>();
  for (const file of readdirSync(source, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts") || !file.includes(sep)) continue;
    const room = roomOf(join(source, file));
    const others = rooms.get(room) ?? new Set();
    rooms.set(room, others);
    const text = readFileSync(join(source, file), "utf8");
    for (const [, path] of text.matchAll(/(?:from|import) ?\(?"(\.[^"]+)"/g)) {
      const other = roomOf(join(source, dirname(file), path!));
      if (other !== room) others.add(other);
    }
  }
  return rooms;
}

const roomOf = (path: string): string => relative(source, path).split(sep)[0]!;

test("no room of src imports itself by way of others", () => {
  const rooms = importsOfRooms();
  assert.ok(rooms.get("infer")?.has("evaluate"), "imports are found");
  const walk = (room: string, way: readonly string[]): void => {
    assert.ok(!way.includes(room), [...way, room].join(" -> "));
    for (const other of rooms.get(room) ?? []) walk(other, [...way, room]);
  };
  for (const room of rooms.keys()) walk(room, []);
});
