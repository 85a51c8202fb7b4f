/** The certificate library's module, as `import()` gives it. */
export type X509Library = typeof import('@peculiar/x509')

let loading: Promise<X509Library> | undefined

/**
 * Loads `@peculiar/x509` at its first use. Loading costs about 130 ms, which a start that finds its certificates in
 * place must not pay; nothing else in the project imports it.
 */
export function x509(): Promise<X509Library> {
  loading ??= load()
  return loading
}

async function load(): Promise<X509Library> {
  // The library's dependency injection reads metadata through this polyfill and throws without it.
  await import('reflect-metadata')
  return import('@peculiar/x509')
}
