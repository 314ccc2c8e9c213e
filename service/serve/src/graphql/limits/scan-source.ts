/** Looks over the text of a document before it is parsed: the parser calls itself once for each brace. */
import { Lexer, type Source, TokenKind } from "graphql";
import { assertAtMost, fixedLimits } from "./limits.ts";

const opening: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const closing: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/** @throws QUERY_TOO_COMPLEX, and GraphQLError where the text is not made of tokens */
export function scanSource(source: Source): void {
  assertAtMost("characters", source.body.length, fixedLimits.characters);
  const lexer = new Lexer(source);
  let tokens = 0;
  let nesting = 0;
  let directives = 0;
  for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
    assertAtMost("tokens", ++tokens, fixedLimits.tokens);
    if (opening.has(token.kind)) assertAtMost("nesting", ++nesting, fixedLimits.nesting);
    else if (closing.has(token.kind)) nesting--;
    else if (token.kind === TokenKind.AT) assertAtMost("directives", ++directives, fixedLimits.directives);
  }
}
