/** Mobile phones of mainland China: 11 digits, the first three of a network (numbering plan of the MIIT as of 2024). */

/** The third digits that are allotted, by the second. "140", "141" and the like are of devices, not of people. */
const networks: ReadonlyMap<string, string> = new Map([
  ["3", "0123456789"],
  ["4", "56789"],
  ["5", "012356789"],
  ["6", "2567"],
  ["7", "012345678"],
  ["8", "0123456789"],
  ["9", "012356789"],
]);

export function isMobilePhone(digits: string): boolean {
  return (
    digits.length === 11 && digits[0] === "1" && (networks.get(digits[1]!)?.includes(digits[2]!) ?? false)
  );
}
