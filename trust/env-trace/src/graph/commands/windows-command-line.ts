/** A command line of Windows as arguments, by the rules of Microsoft's C runtime: quotes, and backslashes before a quote. */
export function splitCommandLine(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let isQuoted = false;
  for (let at = 0; at < line.length; at++) {
    const c = line[at]!;
    if (c === "\\") {
      let count = 1;
      while (line[at + count] === "\\") count++;
      const isBeforeQuote = line[at + count] === '"';
      word = (word ?? "") + "\\".repeat(isBeforeQuote ? Math.floor(count / 2) : count);
      at += count - 1;
      if (isBeforeQuote && count % 2 === 1) {
        word += '"';
        at++;
      }
    } else if (c === '"') {
      word ??= "";
      if (isQuoted && line[at + 1] === '"') {
        word += '"';
        at++;
      } else isQuoted = !isQuoted;
    } else if (!isQuoted && (c === " " || c === "\t")) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + c;
  }
  return word === null ? words : [...words, word];
}
