/** The formats of JSON Schema that the schema of the event uses, as they are checked here. */
import { isIPv4, isIPv6 } from "node:net";

/** For ajv, by their names there. */
export const formats = {
  "date-time": isDateTime,
  ipv4: isIPv4,
  /** RFC 4291: without a zone. */
  ipv6: (text: string) => !text.includes("%") && isIPv6(text),
} as const;

const shape = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-](\d\d):(\d\d))$/;

/** RFC 3339, section 5.6. A leap second is admitted where one can be. */
export function isDateTime(text: string): boolean {
  const found = shape.exec(text);
  if (found === null) return false;
  const [year, month, day, hour, minute, second, offsetHour = 0, offsetMinute = 0] = found
    .slice(1)
    .map(numberOf);
  if (year === undefined || month === undefined || day === undefined) return false;
  if (hour === undefined || minute === undefined || second === undefined) return false;
  if (day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59) return false;
  if (offsetHour > 23 || offsetMinute > 59) return false;
  if (second < 60) return true;
  const sign = text.at(-6) === "-" ? -1 : 1;
  const inUtc = 60 * hour + minute - sign * (60 * offsetHour + offsetMinute);
  return second === 60 && (inUtc + 1440) % 1440 === 1439;
}

const numberOf = (digits: string | undefined) => (digits === undefined ? undefined : Number(digits));

/** 0 for a month that there is not. */
function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
}
