/** What other people's libraries make of a certificate: OpenSSL, GnuTLS, NSS, Go and Java, each asked the same question. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openssl, type Ran, run, type Tool } from '../../support/tools.ts'
import { certtool, certutil, go, java } from './programs.ts'

export type Purpose = 'server' | 'client'

/** A leaf of a file, and the CA that it must lead to. */
export interface Question {
  readonly ca: string
  readonly leaf: string
  readonly purpose: Purpose
}

export interface Verifier {
  readonly name: string
  readonly tool: Tool
  /** For each question `ok`, or why not. */
  ask(questions: readonly Question[], scratch: string): Promise<readonly string[]>
}

const oneByOne =
  (ask: (question: Question, scratch: string, index: number) => Promise<Ran>): Verifier['ask'] =>
  async (questions, scratch) => {
    const answers: string[] = []
    for (const [index, question] of questions.entries()) {
      const { exitCode, stdout, stderr } = await ask(question, scratch, index)
      answers.push(exitCode === 0 ? 'ok' : `${stdout}${stderr}`.trim() || `exit ${exitCode}`)
    }
    return answers
  }

const OID: Readonly<Record<Purpose, string>> = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' }

/** The first certificate of a file, in a file of its own. */
function leafOnly(path: string, to: string): string {
  const [leaf = ''] =
    readFileSync(path, 'utf8').match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/) ?? []
  writeFileSync(to, `${leaf}\n`)
  return to
}

async function nss({ ca, leaf, purpose }: Question, scratch: string, index: number): Promise<Ran> {
  const dir = join(scratch, `nss-${index}`)
  mkdirSync(dir)
  const call = (...args: string[]) => run(certutil.path, [...args, '-d', `sql:${dir}`])
  await call('-N', '--empty-password')
  await call('-A', '-n', 'ca', '-t', 'CT,C,C', '-i', ca)
  await call('-A', '-n', 'leaf', '-t', ',,', '-i', leafOnly(leaf, join(dir, 'leaf.pem')))
  return call('-V', '-n', 'leaf', '-u', purpose === 'server' ? 'V' : 'C', '-e')
}

const GO = `package main

import ("crypto/x509"; "encoding/pem"; "fmt"; "os")

func main() {
	for i := 1; i+2 < len(os.Args); i += 3 {
		pool := x509.NewCertPool()
		ca, _ := os.ReadFile(os.Args[i])
		pool.AppendCertsFromPEM(ca)
		text, _ := os.ReadFile(os.Args[i+1])
		block, _ := pem.Decode(text)
		leaf, err := x509.ParseCertificate(block.Bytes)
		usage := x509.ExtKeyUsageServerAuth
		if os.Args[i+2] == "client" { usage = x509.ExtKeyUsageClientAuth }
		if err == nil { _, err = leaf.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{usage}}) }
		if err != nil { fmt.Println(err) } else { fmt.Println("ok") }
	}
}
`

const JAVA = `import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.*;
import javax.net.ssl.*;

public class Verify {
  public static void main(String[] a) throws Exception {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    for (int i = 0; i + 2 < a.length; i += 3) {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null);
      store.setCertificateEntry("ca", factory.generateCertificate(new FileInputStream(a[i])));
      TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
      trust.init(store);
      X509TrustManager manager = (X509TrustManager) trust.getTrustManagers()[0];
      X509Certificate leaf = (X509Certificate) factory.generateCertificate(new FileInputStream(a[i + 1]));
      String key = leaf.getPublicKey().getAlgorithm();
      try {
        if (a[i + 2].equals("client")) manager.checkClientTrusted(new X509Certificate[] {leaf}, key);
        else manager.checkServerTrusted(new X509Certificate[] {leaf}, key.equals("EC") ? "ECDHE_ECDSA" : "ECDHE_RSA");
        System.out.println("ok");
      } catch (CertificateException e) { System.out.println(e.getMessage().replace('\\n', ' ')); }
    }
  }
}
`

const lines = ({ stdout, stderr, exitCode }: Ran): readonly string[] => {
  if (exitCode !== 0) throw new Error(stderr)
  return stdout.trimEnd().split('\n')
}
const triples = (questions: readonly Question[]) => questions.flatMap(({ ca, leaf, purpose }) => [ca, leaf, purpose])

export const verifiers: readonly Verifier[] = [
  {
    name: 'OpenSSL, strict',
    tool: openssl,
    ask: oneByOne(({ ca, leaf, purpose }) =>
      run(openssl.path, ['verify', '-x509_strict', '-CAfile', ca, '-purpose', `ssl${purpose}`, leaf]),
    ),
  },
  {
    name: 'GnuTLS',
    tool: certtool,
    ask: oneByOne(({ ca, leaf, purpose }, scratch, index) =>
      run(certtool.path, [
        '--verify',
        '--load-ca-certificate',
        ca,
        '--verify-purpose',
        OID[purpose],
        '--infile',
        leafOnly(leaf, join(scratch, `gnutls-${index}.pem`)),
      ]),
    ),
  },
  { name: 'NSS', tool: certutil, ask: oneByOne(nss) },
  {
    name: 'Go',
    tool: go,
    async ask(questions, scratch) {
      writeFileSync(join(scratch, 'verify.go'), GO)
      return lines(
        await run(go.path, ['run', join(scratch, 'verify.go'), ...triples(questions)], {
          env: { GO111MODULE: 'off', GOFLAGS: '' },
        }),
      )
    },
  },
  {
    name: 'Java',
    tool: java,
    async ask(questions, scratch) {
      writeFileSync(join(scratch, 'Verify.java'), JAVA)
      return lines(await run(java.path, [join(scratch, 'Verify.java'), ...triples(questions)]))
    },
  },
]
