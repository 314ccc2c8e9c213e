/** Starts a page: reads its data out of the file and draws it, or says in a sentence why it cannot. */
import { type ComponentChild, render } from "preact";

/** What every page's data say first, so that a page never draws data of another kind. */
interface Formatted {
  readonly format: string;
}

export interface PageStart<Data extends Formatted> {
  /** The page's folder, which is also the id of the element that holds the data. */
  readonly name: string;
  /** The one format this page draws: "cupel-report/4". */
  readonly format: Data["format"];
  readonly draw: (data: Data) => ComponentChild;
}

export function startPage<Data extends Formatted>({ name, format, draw }: PageStart<Data>): void {
  const page = document.getElementById("page");
  if (page === null) throw new Error("The page has no element #page: the file is not a page of Cupel.");
  page.replaceChildren();
  const embedded = readEmbedded<Data>(document.getElementById(name)?.textContent ?? "", name, format);
  const problem = (text: string) => (
    <main>
      <h1 class="problem">{text}</h1>
    </main>
  );
  render("problem" in embedded ? problem(embedded.problem) : draw(embedded.data), page);
}

function readEmbedded<Data extends Formatted>(
  text: string,
  name: string,
  format: string,
): { readonly data: Data } | { readonly problem: string } {
  try {
    const data: Data = JSON.parse(text);
    if (data.format === format) return { data };
    return {
      problem: `This page reads ${format}; the file holds ${data.format}. Use the same version of Cupel for both.`,
    };
  } catch {
    return { problem: `This file holds no ${name}: it is the empty template, or it was cut short.` };
  }
}
