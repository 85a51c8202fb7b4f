#!/bin/sh
# Makes a private certificate authority, a server pair and a client pair in the current directory, with OpenSSL 3:
#
#   ca.key ca.pem ca.srl server.key server.pem client.key client.pem
#
# The variables and file names are those of gen.sh in the Milvus documentation. Each may also be set from outside:
#
#   CommonName=db.example.com Addresses="10.0.0.5" sh gen.sh
#
# Against that script: it runs on OpenSSL 3; the client certificate is one (clientAuth), so mutual TLS admits it; the
# authority has a subject and a key usage of its own; the server has its addresses among its names; server.pem carries
# the authority, so that it works as a trust anchor everywhere; nothing is overwritten; keys are for their owner only.
# `redkite certs create` does the same without OpenSSL.
# Names such as *.example.com are no file patterns.
set -euf
umask 077

# your variables
: "${Country:=US}"
: "${State:=CA}"
: "${Location:=Redwood City}"
: "${Organization:=example}"
: "${OrganizationUnit:=devops}"
# The name or address that clients dial.
: "${CommonName:=localhost}"
# More names and addresses of the server, separated by spaces.
: "${Names:=localhost}"
: "${Addresses:=127.0.0.1 ::1}"
# Who the client is.
: "${ClientName:=client}"
# Apple's clients take no server certificate of more than 825 days, browsers none of more than 398.
: "${ExpireDays:=397}"
: "${CaExpireDays:=3650}"

die() {
  echo "gen.sh: $*" >&2
  exit 1
}

for file in ca.key ca.pem ca.srl server.key server.pem client.key client.pem; do
  [ ! -e "$file" ] || die "$file is here already: use renew.sh, or another directory"
done
for value in "$Country" "$State" "$Location" "$Organization" "$OrganizationUnit" "$CommonName" "$ClientName"; do
  case $value in '' | *[/\\=+]* | *'
'*) die "a subject cannot hold this: '$value'" ;; esac
done
for name in $CommonName $Names $Addresses; do
  case $name in *[!A-Za-z0-9.:*_-]*) die "'$name' is no name or address" ;; esac
done

# OpenSSL talks; what it says is shown only when it fails.
quietly() {
  "$@" > "$work/said" 2>&1 || { cat "$work/said" >&2; die "openssl $2 failed"; }
}

work=$(mktemp -d ./.gen.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# An address has colons, or only digits and dots.
alternative() {
  case $1 in *:*) echo "IP:$1" ;; *[!0-9.]*) echo "DNS:$1" ;; *) echo "IP:$1" ;; esac
}
names=
for name in $CommonName $Names $Addresses; do
  entry=$(alternative "$name")
  case ",$names," in *",$entry,"*) ;; *) names="${names:+$names,}$entry" ;; esac
done
case $ClientName in
  *@*) client_names="email:$ClientName" ;;
  *[!A-Za-z0-9._-]*) client_names= ;;
  *) client_names="DNS:$ClientName" ;;
esac

cat > "$work/openssl.cnf" << EOF
[req]
distinguished_name = subject
prompt = no
[subject]
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
subjectAltName = $names
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
${client_names:+subjectAltName = $client_names}
EOF

subject="/C=$Country/ST=$State/L=$Location/O=$Organization/OU=$OrganizationUnit"
new_key() {
  quietly openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/$1.key"
}
# pair ROLE COMMON_NAME
pair() {
  new_key "$1"
  quietly openssl req -new -key "$work/$1.key" -subj "$subject/CN=$2" -config "$work/openssl.cnf" -out "$work/$1.csr"
  quietly openssl x509 -req -in "$work/$1.csr" -sha256 -days "$ExpireDays" -CA "$work/ca.pem" -CAkey "$work/ca.key" \
    -CAserial "$work/ca.srl" -CAcreateserial -extfile "$work/openssl.cnf" -extensions "$1" -out "$work/$1.pem"
}

echo "gen.sh: making the authority, the server pair and the client pair"
new_key ca
quietly openssl req -x509 -new -key "$work/ca.key" -sha256 -days "$CaExpireDays" -subj "$subject/CN=$CommonName private CA" \
  -config "$work/openssl.cnf" -extensions ca -out "$work/ca.pem"
pair server "$CommonName"
pair client "$ClientName"
cat "$work/ca.pem" >> "$work/server.pem"

quietly openssl verify -x509_strict -purpose sslserver -CAfile "$work/ca.pem" "$work/server.pem"
quietly openssl verify -x509_strict -purpose sslclient -CAfile "$work/ca.pem" "$work/client.pem"
chmod 644 "$work/ca.pem" "$work/ca.srl" "$work/server.pem" "$work/client.pem"
for file in ca.key ca.pem ca.srl server.key server.pem client.key client.pem; do mv "$work/$file" "$file"; done
echo "gen.sh: made ca.key ca.pem ca.srl server.key server.pem client.key client.pem; names: $names"
echo "gen.sh: keep ca.key away from servers and clients: whoever holds it can issue certificates"
