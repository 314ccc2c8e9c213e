/** The words that the schema of a report is written in. */
import { type TProperties, Type } from "typebox";

/** Data that nobody changes. */
export type Fixed<T> = T extends object ? { readonly [Key in keyof T]: Fixed<T[Key]> } : T;

export const object = <Properties extends TProperties>(properties: Properties, description?: string) =>
  Type.Object(properties, { additionalProperties: false, ...(description ? { description } : {}) });

export const said = (description: string) => ({ description });
export const number = Type.Number();
export const count = Type.Integer({ minimum: 0 });
export const share = Type.Number({ minimum: 0, maximum: 1 });
export const text = Type.String();
export const list = Type.Array;
export const orNull = <T extends Parameters<typeof Type.Array>[0]>(type: T, description: string) =>
  Type.Union([type, Type.Null()], { description });

/** A number in memory; null in the file where it is infinite or none, which JSON cannot hold. */
export const figure = (description: string) =>
  Type.Unsafe<number>(Type.Union([Type.Number(), Type.Null()], { description }));
