#!/bin/sh
# Pod network of one node: a CNI configuration from the node's own podCIDR, a route to every other node's Pods, and
# masquerading of what leaves the Pod subnet. IPv4 only, no NetworkPolicy. Stands in for kindnetd, which is no Go module.
# Environment: NODE_NAME, POD_SUBNET, CONTROL_PLANE_ENDPOINT (kind adds the last one).
set -u
account=/var/run/secrets/kubernetes.io/serviceaccount
conflist=/etc/cni/net.d/10-podnet.conflist
chain=PODNET-MASQUERADE

masquerade() {
  iptables -w -t nat -N "$chain" 2>/dev/null
  iptables -w -t nat -F "$chain"
  iptables -w -t nat -A "$chain" -d "$POD_SUBNET" -j RETURN
  iptables -w -t nat -A "$chain" -j MASQUERADE
  iptables -w -t nat -C POSTROUTING -s "$POD_SUBNET" -j "$chain" 2>/dev/null ||
    iptables -w -t nat -A POSTROUTING -s "$POD_SUBNET" -j "$chain"
}

# One line for each node: name, Pod range, address. The API server's own address: kube-proxy need not run yet.
nodes() {
  kubectl --server="https://$CONTROL_PLANE_ENDPOINT" --token="$(cat $account/token)" \
    --certificate-authority=$account/ca.crt --request-timeout=5s get nodes -o jsonpath='{range .items[*]}'\
'{.metadata.name}{" "}{.spec.podCIDR}{" "}{.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}'
}

configuration() {
  cat <<JSON
{"cniVersion": "0.4.0", "name": "podnet", "plugins": [
  {"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "/run/cni-ipam-state",
    "routes": [{"dst": "0.0.0.0/0"}], "ranges": [[{"subnet": "$1"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
}

configure() {
  configuration "$1" >/tmp/conflist
  cmp -s /tmp/conflist "$conflist" && return
  cp /tmp/conflist "$conflist.new" && mv "$conflist.new" "$conflist" && echo "Pods of this node: $1"
}

masquerade
while :; do
  if nodes >/tmp/nodes; then
    while read -r name range address; do
      [ -n "$address" ] || continue
      if [ "$name" = "$NODE_NAME" ]; then configure "$range"; else ip route replace "$range" via "$address"; fi
    done </tmp/nodes
  fi
  if [ -f "$conflist" ]; then sleep 5; else sleep 1; fi
done
