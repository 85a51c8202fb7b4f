import type { IToken } from 'chevrotain'
import type { ArithmeticOp, CompareOp, FilterNode, NameNode } from './ast.ts'
import { FilterFailure } from './failure.ts'
import * as t from './tokens.ts'

/** Where a single token stands, as a leaf. */
export function place(token: IToken): { offset: number; end: number; depth: number } {
  return { offset: token.startOffset, end: token.startOffset + token.image.length, depth: 1 }
}

/** A prefix operator (`+ - ~ not exists`) and what it binds. */
export function unaryNode(operator: IToken, operand: FilterNode): FilterNode {
  const at = { offset: operator.startOffset, end: operand.end, depth: operand.depth + 1 }
  if (operator.tokenType === t.Exists) return { kind: 'exists', operand, ...at }
  if (operator.tokenType === t.Not) return { kind: 'unary', op: 'not', operand, ...at }
  const op = operator.image === '+' ? '+' : operator.image === '-' ? '-' : '~'
  return { kind: 'unary', op, operand, ...at }
}

/** `1 < field <= 5`. */
export function rangeNode(
  left: FilterNode,
  leftOp: IToken,
  middle: NameNode,
  rightOp: IToken,
  right: FilterNode,
): FilterNode {
  return {
    kind: 'range',
    left,
    leftOp: compareOp(leftOp.image),
    middle,
    rightOp: compareOp(rightOp.image),
    right,
    offset: left.offset,
    end: right.end,
    depth: Math.max(left.depth, right.depth) + 1,
  }
}

/** An infix operator; `and`/`or` chains grow one flat node, so that long ones stay shallow. */
export function binaryNode(left: FilterNode, operator: IToken, right: FilterNode, negated: boolean): FilterNode {
  const at = { offset: left.offset, end: right.end, depth: Math.max(left.depth, right.depth) + 1 }
  switch (operator.tokenType) {
    case t.And:
      return logicalNode('and', left, right)
    case t.Or:
      return logicalNode('or', left, right)
    case t.In:
      return { kind: 'in', negated, left, right, ...at }
    case t.Like:
      return { kind: 'like', left, right, ...at }
    case t.Regex:
      throw new FilterFailure(`regular expression match (${operator.image}) is not served yet`, operator.startOffset)
    case t.Equality:
    case t.Less:
    case t.Greater:
      return { kind: 'compare', op: compareOp(operator.image), left, right, ...at }
    default:
      return { kind: 'arithmetic', op: arithmeticOp(operator), left, right, ...at }
  }
}

/** Chains being built, whose term list may still grow in place: copying it at each `or` would take quadratic time. */
const growing = new WeakMap<FilterNode, FilterNode[]>()

function logicalNode(op: 'and' | 'or', left: FilterNode, right: FilterNode): FilterNode {
  const chained = left.kind === 'logical' && left.op === op ? growing.get(left) : undefined
  const terms = chained ?? [left]
  terms.push(right)
  const below = chained ? left.depth - 1 : left.depth
  const node: FilterNode = {
    kind: 'logical',
    op,
    terms,
    offset: left.offset,
    end: right.end,
    depth: Math.max(below, right.depth) + 1,
  }
  growing.set(node, terms)
  return node
}

const compareOps: ReadonlyMap<string, CompareOp> = new Map(
  (['<', '<=', '>', '>=', '==', '!='] as const).map((op) => [op, op]),
)
const arithmeticOps: ReadonlyMap<string, ArithmeticOp> = new Map(
  (['+', '-', '*', '/', '%', '**', '<<', '>>', '&', '|', '^'] as const).map((op) => [op, op]),
)

function compareOp(image: string): CompareOp {
  const op = compareOps.get(image)
  if (!op) throw new Error(`not a comparison: ${image}`)
  return op
}

function arithmeticOp(token: IToken): ArithmeticOp {
  const op = arithmeticOps.get(token.image)
  if (!op) throw new FilterFailure(`unexpected '${token.image}'`, token.startOffset)
  return op
}
