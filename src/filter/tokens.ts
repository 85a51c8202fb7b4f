import { type CustomPatternMatcherReturn, createToken, type IToken, Lexer, type TokenType } from 'chevrotain'
import type { Scalar } from './ast.ts'
import { scanConstantList } from './constant-list.ts'
import { FilterFailure } from './failure.ts'

/**
 * Tokens of Milvus' filter grammar (planparserv2/Plan.g4). A JSON path is one token, as there, so no blank may stand
 * inside it. Keywords are all-lower or all-UPPER; function names are plain identifiers.
 */
const STRING = String.raw`(?:u8|u|U|L)?(?:"[^"\\\r\n]*(?:\\[\s\S][^"\\\r\n]*)*"|'[^'\\\r\n]*(?:\\[\s\S][^'\\\r\n]*)*')`
const RAW_STRING = String.raw`[rR](?:"[^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*)*"|'[^'\\\r\n]*(?:\\[^\r\n][^'\\\r\n]*)*')`
const NAME = '[A-Za-z_][A-Za-z0-9_]*'
const WORDS = 'in|IN|and|AND|or|OR|not|NOT|like|LIKE'

/** Any operator with a left and a right operand; its precedence is in the parser's table. */
export const BinaryOperator = createToken({ name: 'BinaryOperator', pattern: Lexer.NA })
/** `<  <=  >  >=`: the ends of a range chain. */
export const OrderOperator = createToken({ name: 'OrderOperator', pattern: Lexer.NA, categories: BinaryOperator })
/** What may stand in the middle of a range chain and before `is null`. */
export const FieldName = createToken({ name: 'FieldName', pattern: Lexer.NA })

export const Identifier = createToken({
  name: 'Identifier',
  pattern: new RegExp(String.raw`\$meta|${NAME}`),
  categories: FieldName,
})
export const JsonIdentifier = createToken({
  name: 'JsonIdentifier',
  pattern: new RegExp(
    String.raw`(?!(?:${WORDS})\[)(?:\$meta|${NAME})(?:\[(?:${STRING}|${RAW_STRING}|0|[1-9][0-9]*)\])+`,
  ),
  categories: FieldName,
  line_breaks: true,
})
/** `struct[sub]`, `struct[0][sub]`, `$[sub]`, `$`: known, refused by name. */
export const StructIdentifier = createToken({
  name: 'StructIdentifier',
  pattern: new RegExp(String.raw`(?!(?:${WORDS})\[)${NAME}(?:\[[0-9]+\])?\[${NAME}\]|\$(?!meta)(?:\[${NAME}\])?`),
})
export const StringLiteral = createToken({
  name: 'StringLiteral',
  pattern: new RegExp(STRING),
  line_breaks: true,
})
export const RawStringLiteral = createToken({ name: 'RawStringLiteral', pattern: new RegExp(RAW_STRING) })
export const Float = createToken({
  name: 'Float',
  pattern:
    /0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+|(?:[0-9]*\.[0-9]+|[0-9]+\.)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+/,
})
export const Integer = createToken({
  name: 'Integer',
  pattern: /0[xX][0-9a-fA-F]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*/,
})

function keyword(name: string, pattern: RegExp, categories: TokenType[] = []): TokenType {
  return createToken({ name, pattern, categories, longer_alt: Identifier })
}
function symbol(name: string, pattern: string, categories: TokenType[] = []): TokenType {
  return createToken({ name, pattern, categories })
}

export const BooleanLiteral = keyword('BooleanLiteral', /true|True|TRUE|false|False|FALSE/)
export const And = createToken({
  name: 'And',
  pattern: /&&|and|AND/,
  categories: BinaryOperator,
  longer_alt: Identifier,
})
export const Or = createToken({
  name: 'Or',
  pattern: /\|\||or|OR/,
  categories: BinaryOperator,
  longer_alt: Identifier,
})
export const Not = createToken({ name: 'Not', pattern: /!|not|NOT/, longer_alt: Identifier })
export const In = keyword('In', /in|IN/, [BinaryOperator])
export const Like = keyword('Like', /like|LIKE/, [BinaryOperator])
export const Exists = keyword('Exists', /exists|EXISTS/)
export const IsNotNull = createToken({ name: 'IsNotNull', pattern: /(?:is not null|IS NOT NULL)\b/ })
export const IsNull = createToken({ name: 'IsNull', pattern: /(?:is null|IS NULL)\b/ })

export const Regex = createToken({ name: 'Regex', pattern: /=~|!~/, categories: BinaryOperator })
export const Equality = createToken({ name: 'Equality', pattern: /==|!=/, categories: BinaryOperator })
export const Shift = createToken({ name: 'Shift', pattern: /<<|>>/, categories: BinaryOperator })
export const Less = createToken({ name: 'Less', pattern: /<=?/, categories: OrderOperator })
export const Greater = createToken({ name: 'Greater', pattern: />=?/, categories: OrderOperator })
export const Power = symbol('Power', '**', [BinaryOperator])
export const Times = createToken({ name: 'Times', pattern: /[*/%]/, categories: BinaryOperator })
export const Sign = createToken({ name: 'Sign', pattern: /[+-]/, categories: BinaryOperator })
export const BitAnd = symbol('BitAnd', '&', [BinaryOperator])
export const BitOr = symbol('BitOr', '|', [BinaryOperator])
export const BitXor = symbol('BitXor', '^', [BinaryOperator])
export const Tilde = symbol('Tilde', '~')
export const Assign = symbol('Assign', '=')
export const LeftParen = symbol('LeftParen', '(')
export const RightParen = symbol('RightParen', ')')
/** `[1, 2, 3]` or `["a", "b"]` as one token, its values with it. */
export const ConstantList = createToken({
  name: 'ConstantList',
  pattern: (text: string, offset: number): CustomPatternMatcherReturn | null => {
    const list = scanConstantList(text, offset)
    if (list === null) return null
    const match: CustomPatternMatcherReturn = [text.slice(offset, list.end)]
    match.payload = list.values
    return match
  },
  start_chars_hint: ['['],
  line_breaks: true,
})

export function constantValues(token: IToken): readonly Scalar[] {
  return token.payload
}

export const LeftBracket = symbol('LeftBracket', '[')
export const RightBracket = symbol('RightBracket', ']')
export const LeftBrace = symbol('LeftBrace', '{')
export const RightBrace = symbol('RightBrace', '}')
export const Comma = symbol('Comma', ',')
const Blank = createToken({ name: 'Blank', pattern: /[ \t\r\n]+/, group: Lexer.SKIPPED, line_breaks: true })

/** In the order they are tried: the longer and the special before the shorter and the general. */
export const allTokens: TokenType[] = [
  Blank,
  RawStringLiteral,
  StringLiteral,
  StructIdentifier,
  JsonIdentifier,
  BooleanLiteral,
  And,
  Or,
  Regex,
  Equality,
  Not,
  In,
  Like,
  Exists,
  IsNotNull,
  IsNull,
  Identifier,
  Float,
  Integer,
  Shift,
  Less,
  Greater,
  Power,
  Times,
  Sign,
  BitAnd,
  BitOr,
  BitXor,
  Tilde,
  Assign,
  LeftParen,
  RightParen,
  ConstantList,
  LeftBracket,
  RightBracket,
  LeftBrace,
  RightBrace,
  Comma,
  BinaryOperator,
  OrderOperator,
  FieldName,
]

const lexer = new Lexer(allTokens, { positionTracking: 'onlyOffset', ensureOptimizations: false })

/** @throws FilterFailure at the first character that begins no token. */
export function tokenize(text: string): IToken[] {
  const { tokens, errors } = lexer.tokenize(text)
  const [error] = errors
  if (error) {
    const seen = text.slice(error.offset, error.offset + 1)
    const open = seen === '"' || seen === "'"
    throw new FilterFailure(
      open ? `string that begins with ${seen} has no end` : `unexpected character '${seen}'`,
      error.offset,
    )
  }
  return tokens
}
