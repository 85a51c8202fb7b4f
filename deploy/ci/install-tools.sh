#!/usr/bin/env bash
# Installs the tools that test/deploy asks: Debian's packages into the system, the others into .cache/deploy, where the
# tests look. Needs root, a Go toolchain and node_modules; each part that is there already is left alone.
set -euo pipefail
cd "$(dirname "$0")/../.."

helm=v3.19.0 kubeconform=v0.7.0
kubernetes=v1.33.0 prometheus_operator=v0.85.0 cert_manager=v1.18.2

packages=()
need() { command -v "$1" >/dev/null 2>&1 || packages+=("$2"); } # need PROGRAM PACKAGE
need docker-compose docker-compose
need bwrap bubblewrap
need tini tini
need promtool prometheus
need setpriv util-linux
need systemd-analyze systemd
if [ ${#packages[@]} -gt 0 ]; then
  echo "== installing ${packages[*]}"
  [ -n "${APT_UPDATED:-}" ] || apt-get update -qq
  # promtool comes with a server that is not wanted: nothing of these packages may start
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d.redkite && chmod 755 /usr/sbin/policy-rc.d.redkite
  [ -e /usr/sbin/policy-rc.d ] || { mv /usr/sbin/policy-rc.d.redkite /usr/sbin/policy-rc.d && policy=1; }
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  [ -z "${policy:-}" ] || rm /usr/sbin/policy-rc.d
  rm -f /usr/sbin/policy-rc.d.redkite
fi

if ! command -v go >/dev/null 2>&1; then
  echo "== no Go toolchain: helm and kubeconform are not installed, their tests are skipped" >&2
  exit 0
fi
tools=$PWD/.cache/deploy
mkdir -p "$tools/bin" "$tools/schemas"
install_go() { # install_go PROGRAM PACKAGE@VERSION
  [ -x "$tools/bin/$1" ] && return
  echo "== building $1"
  GOBIN="$tools/bin" GOFLAGS="" go install "$2"
}
install_go kubeconform "github.com/yannh/kubeconform/cmd/kubeconform@$kubeconform"
install_go helm "helm.sh/helm/v3/cmd/helm@$helm"

if [ ! -e "$tools/schemas/certificate-cert-manager-v1.json" ]; then
  echo "== schemas of Kubernetes $kubernetes, Prometheus' operator and cert-manager"
  module() { (cd "$tools" && GOFLAGS=-modcacherw go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'); } # module PATH@VERSION
  node=node_modules/.bin/node
  "$node" deploy/ci/kubernetes-schemas.ts "$(module "k8s.io/kubernetes@$kubernetes")" "$tools/schemas" \
    "$(module "github.com/prometheus-operator/prometheus-operator@$prometheus_operator")/example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml" \
    "$(module "github.com/cert-manager/cert-manager@$cert_manager")/deploy/crds/crd-certificates.yaml"
fi
