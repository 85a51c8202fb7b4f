/** Other people's programs that judge us: from Debian, and never a part of the product. */
import { onPath } from '../../support/tools.ts'

export const testssl = onPath('testssl', 'testssl.sh')
export const sslscan = onPath('sslscan', 'sslscan')
export const tcpdump = onPath('tcpdump', 'tcpdump')
/** GnuTLS. */
export const certtool = onPath('certtool', 'gnutls-bin')
/** NSS, the library of Firefox. */
export const certutil = onPath('certutil', 'libnss3-tools')
export const go = onPath('go', 'golang-go')
export const java = onPath('java', 'default-jdk-headless')
