/** Payment cards (ISO/IEC 7812): a known issuer range with the lengths it has, and the check digit of Luhn. */

interface Range {
  /** First and last beginning; both have as many digits. */
  readonly from: number;
  readonly to: number;
  readonly lengths: readonly number[];
}

const upTo19 = [16, 17, 18, 19];
const ranges: readonly Range[] = [
  // Visa; and cards of Chinese banks from before UnionPay that begin with 4 and 5 and have 19 digits.
  { from: 4, to: 4, lengths: [13, 16, 19] },
  // Mastercard
  { from: 51, to: 55, lengths: [16] },
  { from: 2221, to: 2720, lengths: [16] },
  // UnionPay, and ranges of Chinese banks from before it
  { from: 62, to: 62, lengths: upTo19 },
  { from: 81, to: 81, lengths: upTo19 },
  { from: 9555, to: 9559, lengths: upTo19 },
  { from: 601382, to: 601382, lengths: [19] },
  { from: 60, to: 60, lengths: [16, 19] },
  { from: 69, to: 69, lengths: [16, 19] },
  // American Express
  { from: 34, to: 34, lengths: [15] },
  { from: 37, to: 37, lengths: [15] },
  // Discover
  { from: 644, to: 659, lengths: upTo19 },
  // JCB
  { from: 3528, to: 3589, lengths: upTo19 },
  // Diners Club
  { from: 300, to: 305, lengths: [14, 16, 19] },
  { from: 36, to: 36, lengths: [14, 16, 19] },
  { from: 38, to: 39, lengths: [16, 19] },
  // Maestro
  { from: 50, to: 50, lengths: upTo19 },
  { from: 56, to: 58, lengths: upTo19 },
  // Mir
  { from: 2200, to: 2204, lengths: upTo19 },
];
const issuers = ranges.map((range) => ({ ...range, digits: String(range.from).length }));

export function isBankCard(digits: string): boolean {
  return digits.length >= 13 && digits.length <= 19 && hasIssuer(digits) && luhnSum(digits) % 10 === 0;
}

function hasIssuer(number: string): boolean {
  return issuers.some(({ from, to, lengths, digits }) => {
    const start = Number(number.slice(0, digits));
    return start >= from && start <= to && lengths.includes(number.length);
  });
}

/** Every second digit from the right counts twice, its own digits summed; a good number's sum ends in 0. */
export function luhnSum(digits: string): number {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 0x30;
    const doubled = i % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum;
}
