import { EmbeddedActionsParser, EOF, type IToken, type TokenType } from 'chevrotain'
import type { FilterNode, NameNode } from './ast.ts'
import { FilterFailure } from './failure.ts'
import { floatValue, integerValue, jsonPath, rawStringValue, stringValue } from './literals.ts'
import { binaryNode, place, rangeNode, unaryNode } from './nodes.ts'
import * as t from './tokens.ts'

export interface FilterLimits {
  /** UTF-8 bytes of a filter. */
  readonly bytesMax: number
  /** Nesting: parentheses, operators inside operators. Flat chains of `and`/`or` and lists count as one. */
  readonly depthMax: number
}

/** Above this the recursive parser could run out of stack, whatever the configuration says. */
const DEPTH_CEILING = 256

/** Binding power, larger is tighter: C8 of the protocol map, which lists ANTLR's alternatives tightest first. */
const RANGE_PRECEDENCE = 8
const UNARY_PRECEDENCE = 13
const EXISTS_PRECEDENCE = 18
const precedences = new Map<TokenType, number>([
  [t.Or, 1],
  [t.And, 2],
  [t.BitOr, 3],
  [t.BitXor, 4],
  [t.BitAnd, 5],
  [t.Equality, 6],
  [t.Less, 7],
  [t.Greater, 7],
  [t.In, 9],
  [t.Not, 9],
  [t.Shift, 10],
  [t.Sign, 11],
  [t.Times, 12],
  [t.Power, 14],
  [t.Regex, 15],
  [t.Like, 17],
])

/** Precedence climbing over the tokens: one rule for all operators, so nesting costs a few stack frames, not fifteen. */
class FilterParser extends EmbeddedActionsParser {
  #depth = 0
  #depthMax = DEPTH_CEILING

  constructor() {
    super(t.allTokens, { maxLookahead: 1 })
    this.performSelfAnalysis()
  }

  parse(tokens: IToken[], depthMax: number): FilterNode {
    this.#depth = 0
    this.#depthMax = Math.min(depthMax, DEPTH_CEILING)
    this.input = tokens
    const root = this.expression(0)
    const [error] = this.errors
    if (error) throw syntaxFailure(error.token, tokens.at(-1))
    return root
  }

  /** The operator that comes next, if it binds at least as tightly as `min`. */
  #nextPrecedence(): number {
    const { tokenType } = this.LA(1)
    if (tokenType === t.Not && this.LA(2).tokenType !== t.In) return -1
    if (this.#rangeFollows()) return RANGE_PRECEDENCE
    return precedences.get(tokenType) ?? -1
  }

  #rangeFollows(): boolean {
    const first = this.LA(1).tokenType
    const middle = this.LA(2).tokenType
    return (
      (first === t.Less || first === t.Greater) &&
      (middle === t.Identifier || middle === t.JsonIdentifier) &&
      this.LA(3).tokenType === first
    )
  }

  #enter(): void {
    this.#depth += 1
    if (this.#depth > this.#depthMax) throw tooDeep(this.#depthMax, this.LA(1).startOffset)
  }

  readonly expression = this.RULE('expression', (min: number): FilterNode => {
    this.ACTION(() => this.#enter())
    let left: FilterNode = this.SUBRULE(this.prefix)
    this.MANY({
      GATE: () => this.#nextPrecedence() >= min,
      DEF: () => {
        const precedence = this.ACTION(() => this.#nextPrecedence())
        left = this.OR([
          {
            GATE: () => precedence === RANGE_PRECEDENCE,
            ALT: () => {
              const lower = this.CONSUME(t.OrderOperator)
              const middle = this.SUBRULE(this.fieldName)
              const upper = this.CONSUME2(t.OrderOperator)
              const right = this.SUBRULE2(this.expression, { ARGS: [RANGE_PRECEDENCE + 1] })
              return this.ACTION(() => rangeNode(left, lower, middle, upper, right))
            },
          },
          {
            ALT: () => {
              const negated = this.OPTION(() => this.CONSUME(t.Not)) !== undefined
              const operator = this.CONSUME(t.BinaryOperator)
              const right = this.SUBRULE3(this.expression, { ARGS: [precedence + 1] })
              return this.ACTION(() => binaryNode(left, operator, right, negated))
            },
          },
        ])
        this.ACTION(() => {
          if (left.depth > this.#depthMax) throw tooDeep(this.#depthMax, left.offset)
        })
      },
    })
    this.#depth -= 1
    return left
  })

  readonly prefix = this.RULE('prefix', (): FilterNode => {
    return this.OR([
      { ALT: () => this.#unary(this.CONSUME(t.Sign), this.SUBRULE(this.expression, { ARGS: [UNARY_PRECEDENCE] })) },
      { ALT: () => this.#unary(this.CONSUME(t.Tilde), this.SUBRULE2(this.expression, { ARGS: [UNARY_PRECEDENCE] })) },
      { ALT: () => this.#unary(this.CONSUME(t.Not), this.SUBRULE3(this.expression, { ARGS: [UNARY_PRECEDENCE] })) },
      { ALT: () => this.#unary(this.CONSUME(t.Exists), this.SUBRULE4(this.expression, { ARGS: [EXISTS_PRECEDENCE] })) },
      { ALT: () => this.SUBRULE(this.parens) },
      { ALT: () => this.#constants(this.CONSUME(t.ConstantList)) },
      { ALT: () => this.SUBRULE(this.list) },
      { ALT: () => this.SUBRULE(this.template) },
      { ALT: () => this.SUBRULE(this.named) },
      { ALT: () => this.SUBRULE(this.literal) },
    ])
  })

  #unary(operator: IToken, operand: FilterNode): FilterNode {
    return this.ACTION(() => unaryNode(operator, operand))
  }

  #constants(token: IToken): FilterNode {
    return this.ACTION(() => ({ kind: 'constants', values: t.constantValues(token), ...place(token), depth: 2 }))
  }

  readonly parens = this.RULE('parens', (): FilterNode => {
    this.CONSUME(t.LeftParen)
    const inner = this.SUBRULE(this.expression, { ARGS: [0] })
    this.CONSUME(t.RightParen)
    return inner
  })

  readonly list = this.RULE('list', (): FilterNode => {
    const open = this.CONSUME(t.LeftBracket)
    const items: FilterNode[] = []
    this.OPTION(() => {
      items.push(this.SUBRULE(this.expression, { ARGS: [0] }))
      this.MANY({
        GATE: () => this.LA(2).tokenType !== t.RightBracket,
        DEF: () => {
          this.CONSUME(t.Comma)
          items.push(this.SUBRULE2(this.expression, { ARGS: [0] }))
        },
      })
      this.OPTION2(() => this.CONSUME2(t.Comma))
    })
    const close = this.CONSUME(t.RightBracket)
    return this.ACTION(() => ({
      kind: 'list',
      items,
      offset: open.startOffset,
      end: close.startOffset + 1,
      depth: 1 + items.reduce((most, item) => Math.max(most, item.depth), 0),
    }))
  })

  readonly template = this.RULE('template', (): FilterNode => {
    const open = this.CONSUME(t.LeftBrace)
    const name = this.CONSUME(t.Identifier)
    const close = this.CONSUME(t.RightBrace)
    return this.ACTION(() => ({
      kind: 'template',
      name: name.image,
      offset: open.startOffset,
      end: close.startOffset + 1,
      depth: 1,
    }))
  })

  readonly fieldName = this.RULE('fieldName', (): NameNode => {
    const token = this.CONSUME(t.FieldName)
    return this.ACTION(() => {
      const parsed = token.tokenType === t.JsonIdentifier ? jsonPath(token.image, token.startOffset) : null
      return { kind: 'name', name: parsed?.name ?? token.image, path: parsed?.path ?? [], ...place(token) }
    })
  })

  /** A field, a field with `is null`, or a function call. */
  readonly named = this.RULE('named', (): FilterNode => {
    const name = this.SUBRULE(this.fieldName)
    const suffixed = this.OPTION(() =>
      this.OR([
        { ALT: () => this.#isNull(name, this.CONSUME(t.IsNull), false) },
        { ALT: () => this.#isNull(name, this.CONSUME(t.IsNotNull), true) },
        { ALT: () => this.SUBRULE(this.call, { ARGS: [name] }) },
        { ALT: () => this.#refuseTimestamp(name, this.CONSUME(t.StringLiteral)) },
      ]),
    )
    return suffixed ?? name
  })

  #isNull(operand: NameNode, token: IToken, negated: boolean): FilterNode {
    return this.ACTION(() => {
      const end = token.startOffset + token.image.length
      return { kind: 'isNull', negated, operand, offset: operand.offset, end, depth: 2 }
    })
  }

  #refuseTimestamp(name: NameNode, literal: IToken): FilterNode {
    return this.ACTION(() => {
      if (/^(?:iso|interval)$/i.test(name.name)) {
        throw new FilterFailure(`${name.name} (Timestamptz comparison) is not served yet`, name.offset)
      }
      throw syntaxFailure(literal, literal)
    })
  }

  readonly call = this.RULE('call', (name: NameNode): FilterNode => {
    const args: FilterNode[] = []
    this.CONSUME(t.LeftParen)
    this.MANY_SEP({
      SEP: t.Comma,
      DEF: () => {
        const arg = this.SUBRULE(this.expression, { ARGS: [0] })
        // `minimum_should_match=2`, `threshold=1`: options of functions that are refused by name later.
        this.OPTION(() => {
          this.CONSUME(t.Assign)
          this.SUBRULE2(this.expression, { ARGS: [0] })
        })
        args.push(arg)
      },
    })
    const close = this.CONSUME(t.RightParen)
    return this.ACTION(() => {
      if (name.path.length > 0) throw new FilterFailure('a JSON path cannot be called', name.offset)
      const depth = 1 + args.reduce((most, item) => Math.max(most, item.depth), 0)
      return { kind: 'call', name: name.name, args, offset: name.offset, end: close.startOffset + 1, depth }
    })
  })

  readonly literal = this.RULE('literal', (): FilterNode => {
    return this.OR([
      { ALT: () => this.#literal(this.CONSUME(t.Integer), integerValue) },
      { ALT: () => this.#literal(this.CONSUME(t.Float), floatValue) },
      { ALT: () => this.#literal(this.CONSUME(t.StringLiteral), stringValue) },
      { ALT: () => this.#literal(this.CONSUME(t.RawStringLiteral), rawStringValue) },
      { ALT: () => this.#literal(this.CONSUME(t.BooleanLiteral), (image) => image.toLowerCase() === 'true') },
      { ALT: () => this.#refuseStruct(this.CONSUME(t.StructIdentifier)) },
    ])
  })

  #literal(token: IToken, read: (image: string, offset: number) => bigint | number | string | boolean): FilterNode {
    return this.ACTION(() => ({ kind: 'literal', value: read(token.image, token.startOffset), ...place(token) }))
  }

  #refuseStruct(token: IToken): FilterNode {
    return this.ACTION(() => {
      throw new FilterFailure(`struct field ${token.image} is not served yet`, token.startOffset)
    })
  }
}

function tooDeep(depthMax: number, offset: number): FilterFailure {
  return new FilterFailure(`expression is nested deeper than ${depthMax} levels`, Number.isNaN(offset) ? null : offset)
}

function syntaxFailure(token: IToken, last: IToken | undefined): FilterFailure {
  if (token.tokenType === EOF) {
    return new FilterFailure('unexpected end of expression', last ? place(last).end : null)
  }
  const hint = token.tokenType === t.Assign ? ', use == to compare' : ''
  return new FilterFailure(`unexpected '${token.image.slice(0, 64)}'${hint}`, token.startOffset)
}

const parser = new FilterParser()

/**
 * Text to tree. Never overflows the stack: nesting beyond `depthMax` is refused while it is read.
 * @throws FilterFailure with the offset
 */
export function parseFilter(text: string, limits: FilterLimits): FilterNode {
  const bytes = Buffer.byteLength(text)
  if (bytes > limits.bytesMax) {
    throw new FilterFailure(`expression of ${bytes} bytes is longer than ${limits.bytesMax} bytes`, null)
  }
  return parser.parse(t.tokenize(text), limits.depthMax)
}
