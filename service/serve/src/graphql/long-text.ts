/**
 * Long texts among the variables, such as images: the library repeats a value it does not take in its message, once for each
 * thing that is wrong. As an object a long text is repeated by its length alone; only scalars that carry data open it.
 */
import { serveErrors } from "../errors.ts";

const longest = 1_000;
/** Objects and lists within each other. Input types of the schema are three deep. */
const deepest = 32;

export class LongText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toJSON(): string {
    return `(a text of ${this.text.length} characters)`;
  }
}

/** In place. @throws REQUEST_INVALID where values lie too deep in each other */
export function boundLongTexts(variables: Record<string, unknown>): void {
  const waiting: { readonly inside: object; readonly depth: number }[] = [{ inside: variables, depth: 1 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { inside, depth } = next;
    if (depth > deepest) {
      throw serveErrors.error(
        "REQUEST_INVALID",
        `The variables lie more than ${deepest} deep in each other.`,
        {
          withoutStack: true,
        },
      );
    }
    const visit = (value: unknown, replace: (by: LongText) => void): void => {
      if (typeof value === "string") {
        if (value.length > longest) replace(new LongText(value));
      } else if (typeof value === "object" && value !== null && isPlain(value)) {
        waiting.push({ inside: value, depth: depth + 1 });
      }
    };
    if (Array.isArray(inside)) {
      for (let i = 0; i < inside.length; i++) {
        visit(inside[i], (by) => {
          inside[i] = by;
        });
      }
    } else {
      for (const [name, value] of Object.entries(inside)) {
        visit(value, (by) => Object.defineProperty(inside, name, { value: by, enumerable: true }));
      }
    }
  }
}

/** What JSON makes: not a file of the request. */
function isPlain(value: object): boolean {
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

/** The text of a value that may be a long one; null where it is none. */
export function textOf(value: unknown): string | null {
  if (typeof value === "string") return value;
  return value instanceof LongText ? value.text : null;
}
