#!/bin/sh
# canary.sh OVERLAY AGENT: apply an overlay in which AGENT alone has a new image (components/canary); where it does not
# become available, and stay so for a minute, the image before comes back. ROLLOUT_TIMEOUT: how long it may take (10m).
set -eu
overlay=$1
set -- --namespace hingewatch "statefulset/agent-$2"
timeout=${ROLLOUT_TIMEOUT:-10m}
kubectl=${KUBECTL:-kubectl}

$kubectl apply --server-side -k "$overlay"
if $kubectl rollout status "$@" --timeout "$timeout" &&
    $kubectl wait "$@" --for 'jsonpath={.status.availableReplicas}=1' --timeout "$timeout"; then
    echo "${3#*/} runs the new image and sees its cameras: give it to the others"
    exit
fi
echo "error: ${3#*/} does not become ready with the new image, or sees not all of its cameras; going back" >&2
$kubectl rollout undo "$@"
# A StatefulSet waits for its pod to become ready before it replaces it, for ever
$kubectl delete pod "$1" "$2" "${3#*/}-0" --wait=false
$kubectl rollout status "$@" --timeout "$timeout"
echo "fix: take the image out of the overlay again; the pod's log: kubectl logs --previous ${3#*/}-0" >&2
exit 1
