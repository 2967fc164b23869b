#!/bin/sh
# Copies the custom resources into the chart: Helm packages only what lies below the chart's folder.
set -eu
cd "$(dirname "$0")"
copies=bosh-kubernetes-operator/files/crds
mkdir -p "$copies"
rm -f "$copies"/*.yaml
cp ../crds/*.yaml "$copies"/
