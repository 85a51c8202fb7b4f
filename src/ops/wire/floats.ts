/**
 * Little-endian floats as received, as a typed array: a view where the bytes are aligned, else one copy.
 * A view shares the memory of `bytes`.
 */
export function floatView(bytes: Uint8Array): Float32Array {
  const whole = bytes.byteLength >> 2
  if (bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, whole)
  return new Float32Array(new Uint8Array(bytes).buffer, 0, whole)
}

/** The bytes of a float array, without a copy. */
export function floatBytes(values: Float32Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = values
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, byteLength)
    : new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength))
}
