/** Catalog entries as JSON text: int64 travel as `{"$int64":"…"}` so that nothing is rounded. */
export function toText(entry: unknown): string {
  return JSON.stringify(entry, (_, value: unknown) =>
    typeof value === 'bigint' ? { $int64: value.toString() } : value,
  )
}

export function fromText<T>(text: string): T {
  return JSON.parse(text, (_, value: unknown) => {
    const wrapped = value as { $int64?: unknown } | null
    return typeof wrapped === 'object' && wrapped !== null && typeof wrapped.$int64 === 'string'
      ? BigInt(wrapped.$int64)
      : value
  }) as T
}
