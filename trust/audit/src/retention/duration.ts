/** How long events are kept, as ISO 8601 writes it: "P180D", "P26W", "P1DT12H". Years and months have no fixed length and are none. */
const form = /^P(?=.)(?:(\d{1,6})W|(?:(\d{1,6})D)?(?:T(?=.)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?)$/;

const seconds = 1000;
const minutes = 60 * seconds;
const hours = 60 * minutes;
const days = 24 * hours;
const units = [7 * days, days, hours, minutes, seconds];

/** Milliseconds; null for what is none, and for none at all. */
export function parseDuration(text: string): number | null {
  const parts = form.exec(text);
  if (parts === null) return null;
  const ms = units.reduce((sum, unit, at) => sum + unit * Number(parts[at + 1] ?? 0), 0);
  return ms > 0 ? ms : null;
}
