/**
 * Little-endian floats as received, as a typed array: a view where the bytes are aligned, else one copy.
 * A view shares the memory of `bytes`.
 */
export function floatView(bytes: Uint8Array): Float32Array {
  return aligned(bytes) ?? copied(bytes, new ArrayBuffer(wholeBytes(bytes)))
}

/**
 * The same for columns to be stored: an unaligned one is copied into shared memory, where the writer and search
 * threads need it anyway, so that vectors are copied once between socket and engine either way.
 */
export function storedFloats(bytes: Uint8Array): Float32Array {
  return aligned(bytes) ?? copied(bytes, new SharedArrayBuffer(wholeBytes(bytes)))
}

/** Trailing bytes that are no float are left out; the decoder has refused them in packed arrays. */
function wholeBytes(bytes: Uint8Array): number {
  return bytes.byteLength & ~3
}

function aligned(bytes: Uint8Array): Float32Array | null {
  return bytes.byteOffset % 4 === 0 ? new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2) : null
}

function copied(bytes: Uint8Array, target: ArrayBuffer | SharedArrayBuffer): Float32Array {
  new Uint8Array(target).set(bytes.subarray(0, target.byteLength))
  return new Float32Array(target)
}

/** The bytes of a float array, without a copy. */
export function floatBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
