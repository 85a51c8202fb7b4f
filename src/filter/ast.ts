/** A literal of the filter language. Integers are `bigint` (they may be 2^63 until the minus before them is seen). */
export type Scalar = bigint | number | string | boolean

export type CompareOp = '<' | '<=' | '>' | '>=' | '==' | '!='
export type ArithmeticOp = '+' | '-' | '*' | '/' | '%' | '**' | '<<' | '>>' | '&' | '|' | '^'
export type UnaryOp = '+' | '-' | '~' | 'not'
export type PathStep = string | number

/** Where a node stands in the text (UTF-16 offsets, `end` exclusive) and how high its tree is. */
interface Place {
  readonly offset: number
  readonly end: number
  readonly depth: number
}

/** A field or dynamic key as written: `price`, `$meta["k"]`, `doc["a"][0]`. */
export interface NameNode extends Place {
  readonly kind: 'name'
  readonly name: string
  readonly path: readonly PathStep[]
}

/** The filter as parsed: nothing is known about fields or types yet. `and`/`or` chains are flat. */
export type FilterNode =
  | (Place & { readonly kind: 'literal'; readonly value: Scalar })
  | (Place & { readonly kind: 'list'; readonly items: readonly FilterNode[] })
  /** A list of plain literals, read in one go. */
  | (Place & { readonly kind: 'constants'; readonly values: readonly Scalar[] })
  | (Place & { readonly kind: 'template'; readonly name: string })
  | NameNode
  | (Place & { readonly kind: 'unary'; readonly op: UnaryOp; readonly operand: FilterNode })
  | (Place & { readonly kind: 'exists'; readonly operand: FilterNode })
  | (Place & { readonly kind: 'isNull'; readonly negated: boolean; readonly operand: NameNode })
  | (Place & {
      readonly kind: 'arithmetic'
      readonly op: ArithmeticOp
      readonly left: FilterNode
      readonly right: FilterNode
    })
  | (Place & {
      readonly kind: 'compare'
      readonly op: CompareOp
      readonly left: FilterNode
      readonly right: FilterNode
    })
  | (Place & {
      readonly kind: 'range'
      readonly left: FilterNode
      readonly leftOp: CompareOp
      readonly middle: NameNode
      readonly rightOp: CompareOp
      readonly right: FilterNode
    })
  | (Place & {
      readonly kind: 'in'
      readonly negated: boolean
      readonly left: FilterNode
      readonly right: FilterNode
    })
  | (Place & { readonly kind: 'like'; readonly left: FilterNode; readonly right: FilterNode })
  | (Place & { readonly kind: 'logical'; readonly op: 'and' | 'or'; readonly terms: readonly FilterNode[] })
  | (Place & { readonly kind: 'call'; readonly name: string; readonly args: readonly FilterNode[] })
