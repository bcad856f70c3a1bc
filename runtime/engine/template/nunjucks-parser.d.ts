/**
 * The two modules of nunjucks that are loaded: its lexer and its parser. Its compiler, which turns a template into
 * code, is in no process of ours.
 */
declare module 'nunjucks/src/parser.js' {
  const parser: { parse(source: string): unknown }
  export default parser
}

declare module 'nunjucks/src/lexer.js' {
  export type Token = { type: string; value: unknown; lineno: number; colno: number }
  const lexer: { lex(source: string): { nextToken(): Token | null } }
  export default lexer
}
