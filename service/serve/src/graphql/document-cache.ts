/** Documents that were parsed and found valid: programs send the same few over and over. Bounded by number and by length. */
import type { DocumentNode } from "graphql";

const mostDocuments = 256;
/** Of the text. What is longer is rare, and parsed each time. */
const longestText = 8_192;

export function createDocumentCache() {
  const documents = new Map<string, DocumentNode>();
  return {
    get(text: string): DocumentNode | undefined {
      const found = documents.get(text);
      if (found === undefined) return undefined;
      // The last used are the last to go.
      documents.delete(text);
      documents.set(text, found);
      return found;
    },
    set(text: string, document: DocumentNode): void {
      if (text.length > longestText) return;
      documents.set(text, document);
      if (documents.size <= mostDocuments) return;
      const [oldest] = documents.keys();
      if (oldest !== undefined) documents.delete(oldest);
    },
  };
}

/** For what is not kept. */
export const nothingKept = { get: () => undefined, set: () => {} };
