#!/bin/sh
# Issues new server and client pairs under the authority in the current directory (ca.key ca.pem ca.srl), with
# OpenSSL 3. The authority stays, so whoever trusts ca.pem notices nothing; keys and serial numbers are new, and ca.srl
# counts on. Subject and names are those of the certificate that is replaced; the variables, named as in renew.sh of
# the Milvus documentation, are for a pair that is not there yet, but Names and Addresses are added to the server's.
#
#   sh renew.sh            # both pairs
#   sh renew.sh server     # or only one: server, client
#
# The replaced files stay as <name>.old. A replaced certificate stays good until it ends: where its key may have leaked,
# put it on a list as well: redkite certs revoke client.pem.old --dir . --reason keyCompromise
# A running server that watches the directory takes the new pair up by itself. `redkite certs renew` does the same
# without OpenSSL.
# Names such as *.example.com are no file patterns.
set -euf
umask 077

# your variables
: "${Country:=US}"
: "${State:=CA}"
: "${Location:=Redwood City}"
: "${Organization:=example}"
: "${OrganizationUnit:=devops}"
: "${CommonName:=localhost}"
: "${Names:=}"
: "${Addresses:=127.0.0.1 ::1}"
: "${ClientName:=client}"
: "${ExpireDays:=397}"

die() {
  echo "renew.sh: $*" >&2
  exit 1
}

case ${1:-both} in
  both) roles="server client" ;;
  server | client) roles=$1 ;;
  *) die "'$1': give server, client, or nothing for both" ;;
esac
for file in ca.key ca.pem ca.srl; do
  [ -f "$file" ] || die "$file is missing: run this where gen.sh was run"
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

work=$(mktemp -d ./.renew.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cp ca.srl "$work/ca.srl"

# An address has colons, or only digits and dots.
alternative() {
  case $1 in *:*) echo "IP:$1" ;; *[!0-9.]*) echo "DNS:$1" ;; *) echo "IP:$1" ;; esac
}
# subject_of ROLE
subject_of() {
  if [ -f "$1.pem" ]; then
    was=$(openssl x509 -in "$1.pem" -noout -subject -nameopt compat | sed 's/^subject= *//')
    case $was in /*) ;; *) die "the subject of $1.pem cannot be taken over: $was" ;; esac
    case $was in *\\*) die "the subject of $1.pem cannot be taken over: $was" ;; esac
    echo "$was"
    return
  fi
  case $1 in server) name=$CommonName ;; *) name=$ClientName ;; esac
  echo "/C=$Country/ST=$State/L=$Location/O=$Organization/OU=$OrganizationUnit/CN=$name"
}
# names_of ROLE: as OpenSSL takes them in a configuration
names_of() {
  list=
  if [ -f "$1.pem" ]; then
    list=$(openssl x509 -in "$1.pem" -noout -ext subjectAltName 2> /dev/null |
      sed -n '2{s/IP Address:0:0:0:0:0:0:0:1/IP:::1/g;s/IP Address:/IP:/g;s/[[:space:]]//g;p;}')
    more="$Names $Addresses"
  elif [ "$1" = server ]; then
    more="$CommonName $Names $Addresses"
  fi
  if [ "$1" = server ]; then
    for name in $more; do
      entry=$(alternative "$name")
      case ",$list," in *",$entry,"*) ;; *) list="${list:+$list,}$entry" ;; esac
    done
  elif [ -z "$list" ]; then
    case $ClientName in *@*) list="email:$ClientName" ;; *[!A-Za-z0-9._-]*) ;; *) list="DNS:$ClientName" ;; esac
  fi
  echo "$list"
}
# pair ROLE KEY_USAGE EXTENDED_KEY_USAGE
pair() {
  subject=$(subject_of "$1")
  names=$(names_of "$1")
  cat > "$work/$1.cnf" << EOF
[req]
distinguished_name = subject
prompt = no
[subject]
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, $2
extendedKeyUsage = $3
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
${names:+subjectAltName = $names}
EOF
  quietly openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/$1.key"
  quietly openssl req -new -key "$work/$1.key" -subj "$subject" -config "$work/$1.cnf" -out "$work/$1.csr"
  quietly openssl x509 -req -in "$work/$1.csr" -sha256 -days "$ExpireDays" -CA ca.pem -CAkey ca.key \
    -CAserial "$work/ca.srl" -extfile "$work/$1.cnf" -extensions leaf -out "$work/$1.pem"
  case $1 in server) purpose=sslserver ;; *) purpose=sslclient ;; esac
  quietly openssl verify -purpose "$purpose" -CAfile ca.pem "$work/$1.pem"
  chmod 644 "$work/$1.pem"
}

for role in $roles; do
  case $role in
    server)
      pair server "digitalSignature, keyEncipherment" serverAuth
      cat ca.pem >> "$work/server.pem"
      ;;
    client) pair client digitalSignature clientAuth ;;
  esac
done
# First the serial numbers, so that none is ever issued twice; then key and certificate within one moment.
chmod 644 "$work/ca.srl"
mv "$work/ca.srl" ca.srl
for role in $roles; do
  for file in "$role.key" "$role.pem"; do
    if [ -f "$file" ]; then cp -p "$file" "$file.old"; fi
  done
  mv "$work/$role.key" "$role.key"
  mv "$work/$role.pem" "$role.pem"
  echo "renew.sh: renewed $role.key $role.pem"
done
