/** Pages for people, drawn by whoever plugs them in: the server knows their bytes and nothing of what is on them. */

export interface Page {
  readonly html: string;
  /** Content-Security-Policy under which it works. */
  readonly policy: string;
}

export interface Pages {
  /** At `/`. It is shown to everybody, so that nothing of a model may be in it. */
  console(): Promise<Page>;
  /** @param report as `ModelReport` has it. @throws REPORT_MISSING where it is none that can be drawn */
  report(report: Buffer): Promise<Page>;
}
