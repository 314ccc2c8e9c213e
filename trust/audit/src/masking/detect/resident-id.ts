/** Resident identity numbers of China (GB 11643-1999): region, date of birth, sequence, and a check digit of ISO 7064 MOD 11-2. */

/** The first two digits: provinces, and 81 to 83 of residents from Hong Kong, Macao and Taiwan. */
const provinces: ReadonlySet<string> = new Set(
  (
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 " +
    "61 62 63 64 65 71 81 82 83"
  ).split(" "),
);
const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const daysOf = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const checkDigits = "10X98765432";

/** @param text 17 digits and a digit or X. */
export function isResidentId(text: string): boolean {
  if (text.length !== 18 || !isRegion(text) || !isDateOfBirth(text.slice(6, 14))) return false;
  return residentIdCheck(text) === text[17]!.toUpperCase();
}

/** The check digit of the first 17. */
export function residentIdCheck(digits: string): string {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i]! * (digits.charCodeAt(i) - 0x30);
  return checkDigits[sum % 11]!;
}

/** Foreigners with permanent residence have a 9 before the province. */
function isRegion(text: string): boolean {
  return provinces.has(text.slice(0, 2)) || (text[0] === "9" && provinces.has(text.slice(1, 3)));
}

function isDateOfBirth(text: string): boolean {
  const year = Number(text.slice(0, 4));
  const month = Number(text.slice(4, 6));
  const day = Number(text.slice(6, 8));
  if (year < 1900 || year > 2099 || month < 1 || month > 12 || day < 1) return false;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (month === 2 && isLeap ? 29 : daysOf[month - 1]!);
}
