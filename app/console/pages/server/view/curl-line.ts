/** The line that does in a shell what the page did: every name in it is one word to a POSIX shell, whatever it is. */

export interface CurlRequest {
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Of the file that is the body. */
  readonly file: string;
  /** Whether it goes with a key, which is not shown. */
  readonly hasKey: boolean;
}

export function curlLine({ url, headers, file, hasKey }: CurlRequest): string {
  const told = headers.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  const key = hasKey ? ['-H "authorization: Bearer $KEY"'] : [];
  // A name that begins with a dash, or that curl would read as standard input, is a path then.
  return ["curl -s", quoted(url), ...told, ...key, `--data-binary ${quoted(`@./${file}`)}`].join(" ");
}

/** Within single quotes nothing is special to a shell but their end. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
