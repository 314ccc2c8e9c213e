/** What lines over a common axis are made of. */

export interface LinePoint {
  readonly x: number;
  readonly y: number;
  /** Told of the point, the first line as its title. */
  readonly told: readonly [string, ...string[]];
}

export interface Line {
  readonly colour: "original" | "compressed" | "muted" | "ink";
  /** One among many: behind the others, with small marks. */
  readonly isThin?: boolean;
  readonly points: readonly LinePoint[];
}

export interface LineAxis {
  readonly name: string;
  readonly text: (value: number) => string;
  /** From zero; default: from the least that is drawn. */
  readonly fromZero?: boolean;
  /** The largest value to the left. */
  readonly inverse?: boolean;
  /** Ticks are powers of it, evenly apart; no value may be 0. */
  readonly log?: 2 | 10;
  /** No ticks between whole numbers. */
  readonly whole?: boolean;
}
