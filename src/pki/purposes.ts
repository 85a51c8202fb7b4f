/** Purposes of a certificate by their object identifiers, as `X509Certificate.keyUsage` has them (RFC 5280 4.2.1.12). */
export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
