/** Personal data that is made for tests: valid by its published rule, written in the ways that people write it. */
import type { Random } from "@cupel/base";

const pick = <Item>(random: Random, items: readonly Item[]): Item => items[random.integer(items.length)]!;
export const digits = (random: Random, count: number): string =>
  Array.from({ length: count }, () => random.integer(10)).join("");

export interface Planted {
  readonly kind: "mobile" | "residentId" | "bankCard" | "email" | "ip" | "secret";
  /** As it stands in the text. */
  readonly text: string;
  /** Without separators: what must not be found either. */
  readonly bare: string;
}

const prefixes = "130 131 135 138 139 147 150 158 166 170 173 177 180 186 188 191 195 198 199".split(" ");

export function mobile(random: Random): string {
  return pick(random, prefixes) + digits(random, 8);
}

const two = (n: number): string => String(n).padStart(2, "0");

/** GB 11643: weights are powers of two modulo 11. Written apart from the code that is tested. */
export function residentId(random: Random): string {
  const region = pick(random, ["110105", "310101", "440305", "510104", "650102", "810000", "830000"]);
  const born = `${1950 + random.integer(60)}${two(1 + random.integer(12))}${two(1 + random.integer(28))}`;
  const seventeen = region + born + digits(random, 3);
  let sum = 0;
  for (let i = 0; i < 17; i++) sum += Number(seventeen[i]) * (2 ** (17 - i) % 11);
  return seventeen + ["1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"][sum % 11]!;
}

/** Luhn by trial: the last digit is the one of ten that fits. */
export function bankCard(random: Random): string {
  const [start, length] = pick(random, [
    ["622202", 19],
    ["621700", 19],
    ["622588", 16],
    ["4", 16],
    ["52", 16],
    ["37", 15],
    ["3530", 16],
  ] as const);
  const body = start + digits(random, length - start.length - 1);
  const fits = (number: string): boolean => {
    const all = [...number].map(Number).reverse();
    const sum = all.reduce((total, digit, i) => {
      const counted = i % 2 === 1 ? digit * 2 : digit;
      return total + Math.floor(counted / 10) + (counted % 10);
    }, 0);
    return sum % 10 === 0;
  };
  return body + [..."0123456789"].find((digit) => fits(body + digit))!;
}

const fullWidth = (text: string): string =>
  [...text].map((each) => String.fromCharCode(each.charCodeAt(0) + 0xfee0)).join("");
const grouped = (text: string, sizes: readonly number[], separator: string): string => {
  let from = 0;
  const groups = sizes.map((size) => {
    from += size;
    return text.slice(from - size, from);
  });
  return [...groups, text.slice(from)].filter((each) => each !== "").join(separator);
};

const words = "quartz violet harbor meadow falcon timber copper saddle".split(" ");

const makers: Readonly<Record<Planted["kind"], (random: Random) => Omit<Planted, "kind">>> = {
  mobile(random) {
    const bare = mobile(random);
    const text = pick(random, [
      bare,
      grouped(bare, [3, 4], "-"),
      grouped(bare, [3, 4], " "),
      `+86 ${grouped(bare, [3, 4], " ")}`,
      `+86${bare}`,
      `0086-${bare}`,
      `(+86)${bare}`,
      fullWidth(bare),
      `${bare.slice(0, 3)}\u2011${bare.slice(3, 7)}\u00a0${bare.slice(7)}`,
    ]);
    return { text, bare };
  },
  residentId(random) {
    const bare = residentId(random);
    return {
      text: pick(random, [bare, grouped(bare, [6, 8], " "), bare.toLowerCase(), fullWidth(bare)]),
      bare,
    };
  },
  bankCard(random) {
    const bare = bankCard(random);
    return {
      text: pick(random, [bare, grouped(bare, [4, 4, 4, 4], " "), grouped(bare, [4, 4, 4, 4], "-")]),
      bare,
    };
  },
  email(random) {
    const local = `${pick(random, words)}.${pick(random, words)}${random.integer(1000)}`;
    const bare = `${local}@${pick(random, ["example.com", "mail.example.cn", "example.org"])}`;
    return { text: pick(random, [bare, `<${bare}>`, bare.replace("@", "%40")]), bare };
  },
  ip(random) {
    const bare =
      random.integer(2) === 0
        ? `203.0.${random.integer(256)}.${1 + random.integer(254)}`
        : `2001:db8:${random.integer(0x10000).toString(16)}::${(1 + random.integer(0xfffe)).toString(16)}`;
    return { text: bare, bare };
  },
  secret(random) {
    const letters = (count: number) =>
      Array.from({ length: count }, () =>
        pick(random, [..."abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNP23456789"]),
      ).join("");
    const capitals = letters(16).toUpperCase();
    const { bare, before = "" } = pick(random, [
      { bare: letters(40), before: "Bearer " },
      { bare: `ghp_${letters(36)}` },
      { bare: `AKIA${capitals}` },
      { bare: `${letters(10)}9`, before: "password=" },
      { bare: `eyJ${letters(20)}.eyJ${letters(30)}.${letters(43)}` },
    ]);
    return { text: before + bare, bare };
  },
};

export const plantedKinds = Object.keys(makers) as readonly Planted["kind"][];

export function plant(random: Random, kind: Planted["kind"]): Planted {
  return { kind, ...makers[kind](random) };
}

/** Around what is planted, as it stands in logs. */
const frames = [
  ["", ""],
  ["call ", " now"],
  ["客户电话：", "，请回电"],
  ['{"v":"', '"}'],
  ["tel=", "&x=1"],
  ["user:", ";"],
  ["(", ")"],
  ["2026-11-27 10:15:00 ", " 200"],
] as const;

export function inFrame(random: Random, text: string): string {
  const [before, after] = pick(random, frames);
  return before + text + after;
}

/** All that a text could hide in full: digits and letters of any width, without what separates them. */
export function bareText(text: string): string {
  return text
    .normalize("NFKC")
    .replace(/[\s\-\u2011]/g, "")
    .toUpperCase();
}
