#!/bin/sh
# secrets.sh FOLDER broker|bridge|AGENT...: print Secrets made from the folder that `edge-agent certs init` wrote.
#
#   deploy/k8s/secrets.sh leeds-certs broker bridge | kubectl apply -f -      # in the centre
#   deploy/k8s/secrets.sh leeds-certs dock-box-1    | kubectl apply -f -      # at the edge
#
# The authority's own key, ca.key, goes into none of them.
set -eu
folder=$1
shift

secret() {
    name=$1
    shift
    echo ---
    "${KUBECTL:-kubectl}" create secret generic "$name-tls" --namespace hingewatch --dry-run=client --output=yaml \
        --from-file=ca.pem="$folder/ca.pem" "$@"
}

for name in "$@"; do
    case $name in
    broker)
        secret broker --from-file=broker.pem="$folder/broker.pem" --from-file=broker.key="$folder/broker.key" \
            --from-file=acl="$folder/acl"
        ;;
    bridge)
        secret bridge --from-file=bridge.pem="$folder/bridge.pem" --from-file=bridge.key="$folder/bridge.key"
        ;;
    *)
        secret "$name" --from-file=agent.pem="$folder/agents/$name.pem" --from-file=agent.key="$folder/agents/$name.key"
        ;;
    esac
done
