/** What the Milvus page "Encryption in Transit" has its readers put into manifests: facts, written down here. */

/** The service, with our image in it. */
export const PAGE_COMPOSE = `version: '3.5'
services:
  standalone:
    container_name: milvus-standalone
    image: redkite:0.1.0
    command: ["milvus", "run", "standalone"]
    security_opt:
      - seccomp:unconfined
    environment:
      ETCD_ENDPOINTS: etcd:2379
      MINIO_ADDRESS: minio:9000
    volumes:
      - \${DOCKER_VOLUME_DIRECTORY:-.}/volumes/milvus:/var/lib/milvus
      - \${DOCKER_VOLUME_DIRECTORY:-.}/tls:/milvus/tls
      - \${DOCKER_VOLUME_DIRECTORY:-.}/milvus.yaml:/milvus/configs/milvus.yaml
    ports:
      - "19530:19530"
      - "9091:9091"
      - "8080:8080"
`

/** The settings of the compose block, for the file that it mounts. */
export const PAGE_MILVUS_YAML = `proxy:
  http:
    port: 8080
tls:
  serverPemPath: /milvus/tls/server.pem
  serverKeyPath: /milvus/tls/server.key
  caPemPath: /milvus/tls/ca.pem
common:
  security:
    tlsMode: 1
`

const MOUNTS = `volumes:
  - name: certs
    secret:
      secretName: certs
volumeMounts:
  - name: certs
    mountPath: /certs
    readOnly: true
`

/** The values. */
export const PAGE_VALUES = `extraConfigFiles:
  user.yaml: |+
    # Enable rest http for milvus proxy
    proxy:
      http:
        # REST has a port of its own, gRPC stays on 19530
        port: 8080
    # Enable external TLS
    common:
      security:
        tlsMode: 1 # 0: off, 1: one-way, 2: two-way
    tls:
      serverPemPath: /certs/server.pem
      serverKeyPath: /certs/server.key
      caPemPath: /certs/ca.pem

${MOUNTS}`

/** The resource, with external TLS; the page's second one has internal TLS. */
export const PAGE_RESOURCE = `apiVersion: milvus.io/v1beta1
kind: Milvus
metadata:
  name: my-release
  labels:
    app: milvus
spec:
  config:
    proxy:
      http:
        # REST has a port of its own, gRPC stays on 19530
        port: 8080
    common:
      security:
        tlsMode: 1 # 0: off, 1: one-way, 2: two-way
    tls:
      serverPemPath: /certs/server.pem
      serverKeyPath: /certs/server.key
      caPemPath: /certs/ca.pem
  components:
${MOUNTS.replace(/^(?=.)/gm, '    ')}`

export const PAGE_RESOURCE_INTERNAL = PAGE_RESOURCE.replace(
  'tlsMode: 1 # 0: off, 1: one-way, 2: two-way\n',
  'internaltlsEnabled: true\n',
).replace(
  / {4}tls:\n(.*\n){3}/,
  `    internaltls:
      serverPemPath: /certs/server.pem
      serverKeyPath: /certs/server.key
      caPemPath: /certs/ca.pem
      sni: localhost
`,
)
