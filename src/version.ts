/** This package's version; `test/tidy.test.ts` holds it equal to package.json. */
export const REDKITE_VERSION = '0.1.0'
