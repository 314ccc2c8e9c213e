/** Sizes as people read them. Decimal units: 1 MB = 1,000,000 bytes. */

const units = [
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
] as const;

/** Three digits and a unit, such as "2.73 MB"; below 1 kB, "512 bytes". */
export function bytesText(bytes: number): string {
  const size = Math.abs(bytes);
  if (size < 1000) return `${bytes} bytes`;
  // 999.5 kB would read "1000 kB".
  const [unit, name] = units.find(([each]) => size >= 0.9995 * each) ?? units[2];
  return `${threeDigits(bytes / unit)} ${name}`;
}

/** 9.87, 98.7, 987. */
export function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}
