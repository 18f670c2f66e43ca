#!/bin/sh
# canary.sh OVERLAY AGENT: apply an overlay in which AGENT alone has a new image (components/canary); where it does not
# become available, and stay so for a minute, the image before comes back. ROLLOUT_TIMEOUT: how long it may take (10m).
# Whether it then tells fewer lifts takes hours to show: the script prints what to ask later.
set -eu
overlay=$1
set -- --namespace hingewatch "statefulset/agent-$2"
timeout=${ROLLOUT_TIMEOUT:-10m}
kubectl=${KUBECTL:-kubectl}

ask="exec --namespace $2 $3 -- edge-agent lifts"
# an image from before has no such command
told=$($kubectl exec "$@" -- edge-agent lifts) || echo "note: how many lifts ${3#*/} told so far is not known" >&2
$kubectl apply --server-side -k "$overlay"
if $kubectl rollout status "$@" --timeout "$timeout" &&
    $kubectl wait "$@" --for 'jsonpath={.status.availableReplicas}=1' --timeout "$timeout"; then
    echo "${3#*/} runs the new image and sees its cameras"
    [ -z "$told" ] || echo "once it has told 30 lifts, whether fewer than before: kubectl $ask --before $told"
    echo "then give it to the others; else: kubectl rollout undo $*, and take it out of the overlay again"
    exit
fi
echo "error: ${3#*/} does not become ready with the new image, or sees not all of its cameras; going back" >&2
$kubectl rollout undo "$@"
# A StatefulSet waits for its pod to become ready before it replaces it, for ever
$kubectl delete pod "$1" "$2" "${3#*/}-0" --wait=false
$kubectl rollout status "$@" --timeout "$timeout"
echo "fix: take the image out of the overlay again; the pod's log: kubectl logs --previous ${3#*/}-0" >&2
exit 1
