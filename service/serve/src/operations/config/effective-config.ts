/** The effective configuration for people: a row a value, where it came from, and nothing that is to stay hidden. */
import { own } from "@cupel/base";
import Type, { type TSchema } from "typebox";
import { configSchema } from "./config-schema.ts";
import { isRecord, type Origin, pointerTo } from "./fill-defaults.ts";
import type { LoadedConfig } from "./load-config.ts";

export interface EffectiveRow {
  /** Dotted, as flags and messages have it: "listen.port", "access.keys.0.sha256". */
  readonly name: string;
  readonly value: unknown;
  readonly origin: Origin;
}

/** References to secrets are shown as they were written: they are none. */
export function effectiveConfig({ config, origins }: LoadedConfig): EffectiveRow[] {
  const rows: EffectiveRow[] = [];
  const walk = (schema: TSchema | null, value: unknown, names: readonly string[], origin: Origin): void => {
    const pointer = names.reduce(pointerTo, "");
    const its = origins.get(pointer) ?? origin;
    const inside = schema && insideOf(schema, value);
    if (Array.isArray(value) && value.some(isRecord)) {
      value.forEach((each, i) => {
        walk(inside && Type.IsArray(inside) ? inside.items : null, each, [...names, String(i)], its);
      });
    } else if (isRecord(value)) {
      for (const [key, each] of Object.entries(value)) {
        const property = inside && Type.IsObject(inside) ? own(inside.properties, key) : undefined;
        walk(property ?? null, each, [...names, key], its);
      }
    } else {
      const isHidden = schema !== null && "redacted" in schema;
      rows.push({ name: names.join("."), value: isHidden ? "[redacted]" : value, origin: its });
    }
  };
  walk(configSchema, config, [], "default");
  return rows;
}

function insideOf(schema: TSchema, value: unknown): TSchema {
  if (!Type.IsUnion(schema)) return schema;
  return schema.anyOf.find((each) => (isRecord(value) ? Type.IsObject(each) : Type.IsArray(each))) ?? schema;
}
