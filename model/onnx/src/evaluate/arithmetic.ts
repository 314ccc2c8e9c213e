/**
 * Arithmetic on known elements, one row an operator: how it works on integers, how on floats, and what
 * still holds of a symbolic size ("N" + 0 is "N", and no size is negative).
 */
import type { ElementType } from "../graph/index.ts";
import { type Cell, isFloat, isInteger, round, wrap } from "./elements.ts";

export interface BinaryRow {
  /** Null where the result is undefined, such as a division by zero. */
  readonly integer?: (a: bigint, b: bigint) => bigint | null;
  readonly float?: (a: number, b: number) => number;
  /** At least one operand is no number. */
  readonly symbolic?: (a: Cell, b: Cell) => Cell;
  /** A comparison: the result is a truth value. */
  readonly isTest?: true;
}

const truth = (is: boolean): bigint => (is ? 1n : 0n);

/** The operand that remains when the other is neutral. */
function unlessNeutral(neutral: bigint, sides: "either" | "right"): (a: Cell, b: Cell) => Cell {
  return (a, b) => (b === neutral ? a : sides === "either" && a === neutral ? b : null);
}

/** Sizes are not negative, so that a symbol never equals -1. */
function equalSymbols(a: Cell, b: Cell): Cell {
  if (typeof a === "string" && a === b) return 1n;
  const number = typeof a === "bigint" ? a : b;
  const other = typeof a === "bigint" ? b : a;
  return typeof other === "string" && typeof number === "bigint" && number < 0n ? 0n : null;
}

/** Remainder with the sign of the divisor, as Python's %. */
function modulo(a: bigint, b: bigint): bigint {
  const rest = a % b;
  return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
}

export const binaryRows = {
  Add: { integer: (a, b) => a + b, float: (a, b) => a + b, symbolic: unlessNeutral(0n, "either") },
  Sub: { integer: (a, b) => a - b, float: (a, b) => a - b, symbolic: unlessNeutral(0n, "right") },
  Mul: { integer: (a, b) => a * b, float: (a, b) => a * b, symbolic: unlessNeutral(1n, "either") },
  // BigInt division truncates towards zero, as C's and the engine's does.
  Div: {
    integer: (a, b) => (b === 0n ? null : a / b),
    float: (a, b) => a / b,
    symbolic: unlessNeutral(1n, "right"),
  },
  Mod: { integer: (a, b) => (b === 0n ? null : modulo(a, b)) },
  Max: { integer: (a, b) => (a > b ? a : b), float: Math.max },
  Min: { integer: (a, b) => (a < b ? a : b), float: Math.min },
  And: { integer: (a, b) => a & b, isTest: true },
  Or: { integer: (a, b) => a | b, isTest: true },
  Xor: { integer: (a, b) => a ^ b, isTest: true },
  Equal: {
    integer: (a, b) => truth(a === b),
    float: (a, b) => Number(a === b),
    symbolic: equalSymbols,
    isTest: true,
  },
  Greater: { integer: (a, b) => truth(a > b), float: (a, b) => Number(a > b), isTest: true },
  GreaterOrEqual: { integer: (a, b) => truth(a >= b), float: (a, b) => Number(a >= b), isTest: true },
  Less: { integer: (a, b) => truth(a < b), float: (a, b) => Number(a < b), isTest: true },
  LessOrEqual: { integer: (a, b) => truth(a <= b), float: (a, b) => Number(a <= b), isTest: true },
} as const satisfies Record<string, BinaryRow>;

export interface UnaryRow {
  readonly integer?: (a: bigint) => bigint;
  readonly float?: (a: number) => number;
}

export const unaryRows = {
  Neg: { integer: (a) => -a, float: (a) => -a },
  Abs: { integer: (a) => (a < 0n ? -a : a), float: Math.abs },
  Floor: { float: Math.floor },
  Ceil: { float: Math.ceil },
  Sqrt: { float: Math.sqrt },
  Not: { integer: (a) => truth(a === 0n) },
} as const satisfies Record<string, UnaryRow>;

/** @param type of the operands. */
export function applyBinary(row: BinaryRow, type: ElementType, a: Cell, b: Cell): Cell {
  if (typeof a === "bigint" && typeof b === "bigint") {
    const result = row.integer?.(a, b) ?? null;
    return result === null || row.isTest ? result : wrap(type, result);
  }
  if (typeof a === "number" && typeof b === "number") {
    const result = row.float?.(a, b);
    if (result === undefined) return null;
    return row.isTest ? BigInt(result) : round(type, result);
  }
  return row.symbolic?.(a, b) ?? null;
}

export function applyUnary(row: UnaryRow, type: ElementType, a: Cell): Cell {
  if (typeof a === "bigint") return row.integer ? wrap(type, row.integer(a)) : null;
  if (typeof a === "number") return row.float ? round(type, row.float(a)) : null;
  return null;
}

/** One element to another type. Out of range from a float: undefined by ONNX, so not known. */
export function castCell(to: ElementType, cell: Cell): Cell {
  if (cell === null) return null;
  if (to === "bool") {
    if (typeof cell === "string") return null;
    return truth(typeof cell === "bigint" ? cell !== 0n : cell !== 0);
  }
  // A symbol stays the size it names as long as it is only carried.
  if (typeof cell === "string") return cell;
  if (isFloat(to)) return round(to, Number(cell));
  if (!isInteger(to)) return null;
  if (typeof cell === "bigint") return wrap(to, cell);
  if (!Number.isFinite(cell)) return null;
  const whole = BigInt(Math.trunc(cell));
  return wrap(to, whole) === whole ? whole : null;
}
