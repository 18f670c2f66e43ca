"""deploy/k8s: each overlay as kubectl renders it, against Kubernetes' own schemas and the rules that matter to us."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_agent import __version__, settings_file
from edge_agent.settings import Settings
from scripts.k8s import rules
from tests.services import program

ROOT = Path(__file__).parents[1]
K8S = ROOT / "deploy/k8s"
OVERLAYS = ("edge-k3s", "central", "demo")
TOOLS = ROOT / "build/k8s-venv/bin"
KUBECTL = Path(sys.executable).with_name("kubectl")
ENVIRON = dict.fromkeys(("DOCK_3_PASSWORD", "AISLE_7_PASSWORD", "AISLE_8_PASSWORD", "CAMERA"), "x")

Object = dict[str, Any]


def run(*command: str | Path) -> str:
    environ = os.environ | {"KUBECTL": str(KUBECTL)}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@cache
def rendered(folder: Path) -> str:
    return run(KUBECTL, "kustomize", folder)


@cache
def _objects(folder: Path) -> list[Object]:
    return list(yaml.load_all(rendered(folder), yaml.CSafeLoader))


def objects(overlay: str | Path, *kinds: str) -> list[Object]:
    """Of one of ours by its name, or of any folder."""
    return [one for one in _objects(K8S / "overlays" / overlay) if not kinds or one["kind"] in kinds]


def named(overlay: str, kind: str, name: str) -> Object:
    (found,) = [one for one in objects(overlay, kind) if one["metadata"]["name"] == name]
    return found


def pods(overlay: str | Path) -> Iterator[tuple[str, Object]]:
    """Each pod template, with its name: whatever makes pods, of whatever kind."""
    for one in objects(overlay):
        template = one.get("spec", {}).get("template")
        if isinstance(template, dict):
            yield one["metadata"]["name"], template


def containers(template: Object) -> list[Object]:
    spec = template["spec"]
    found: list[Object] = [*spec["containers"], *spec.get("initContainers", [])]
    return found


def chosen(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector chooses a pod with these labels."""
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(
        one["operator"] == "In" and labels.get(one["key"]) in one["values"]
        for one in selector.get("matchExpressions", [])
    )


every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@every_overlay
@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_every_object_follows_kubernetes_own_schema(overlay: str, version: str, tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(rendered(K8S / "overlays" / overlay))
    told = run(TOOLS / "kubernetes-validate", "--strict", "-k", version, tmp_path / "all.yaml")
    assert told.count("passed") == len([one for one in objects(overlay) if "coreos" not in one["apiVersion"]])


def test_checkov_finds_nothing_but_what_we_say_why_we_leave(tmp_path: Path) -> None:
    """All overlays at once: eight seconds here, most of them for checkov to wake up."""
    for overlay in OVERLAYS:
        (tmp_path / f"{overlay}.yaml").write_text(rendered(K8S / "overlays" / overlay))
    run(TOOLS / "checkov", "--config-file", K8S / ".checkov.yaml", "-d", tmp_path)


@every_overlay
def test_no_pod_may_do_more_than_it_must(overlay: str) -> None:
    """The restricted profile, and a root file system that nobody writes to."""
    for name, template in pods(overlay):
        spec = template["spec"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        assert not [volume for volume in spec["volumes"] if "hostPath" in volume], name
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["runAsUser"] >= 10000, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(template):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name


@every_overlay
def test_the_cluster_itself_is_asked_to_refuse_any_other(overlay: str) -> None:
    (namespace,) = objects(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {one["metadata"].get("namespace", "hingewatch") for one in objects(overlay)} == {"hingewatch"}


@every_overlay
def test_every_image_is_of_a_named_version_and_every_container_has_limits_and_probes(overlay: str) -> None:
    for name, template in pods(overlay):
        for container in containers(template):
            version = container["image"].rpartition(":")[2]
            assert version[0].isdigit(), name
            assert {"cpu", "memory"} <= container["resources"]["limits"].keys(), name
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys(), name


@every_overlay
def test_our_image_is_of_this_version(overlay: str) -> None:
    images = {container["image"] for _, template in pods(overlay) for container in containers(template)}
    assert {image for image in images if image.startswith("hingewatch")} == {f"hingewatch:{__version__}"}


@every_overlay
def test_a_restart_is_asked_for_only_where_it_helps(overlay: str) -> None:
    """What /healthy answers for a camera that hangs, and for one or a broker that is away: test_liveness.py."""
    for name, template in pods(overlay):
        (container,) = containers(template)
        liveness = container["livenessProbe"]
        if container["image"].startswith("hingewatch"):
            assert liveness["httpGet"] == {"path": "/healthy", "port": "metrics"}, name
        else:
            assert liveness["exec"]["command"][0] == "mosquitto_sub", name


@every_overlay
def test_secrets_are_named_and_none_is_written_down(overlay: str) -> None:
    text = rendered(K8S / "overlays" / overlay)
    passwords = re.findall(r"://[^/@\s:]+:([^@\s]+)@", text)
    assert not objects(overlay, "Secret")
    assert "PRIVATE KEY" not in text
    assert [word for word in passwords if not word.startswith("${")] == []
    assert overlay != "edge-k3s" or passwords, "it is looked at"


def test_overlays_hold_only_what_differs() -> None:
    """A workload in an overlay is a patch: what it repeated of the base would one day differ from it."""
    for path in K8S.glob("overlays/**/*.yaml"):
        for one in yaml.safe_load_all(path.read_text()):
            if one.get("kind") == "StatefulSet":
                (container,) = one["spec"]["template"]["spec"]["containers"]
                assert not container.keys() - {"name", "command", "args", "env", "envFrom"}, path
                assert one["spec"].keys() == {"template"}, path


@every_overlay
def test_every_pod_is_cut_off_but_for_what_is_named(overlay: str) -> None:
    policies = [policy["spec"] for policy in objects(overlay, "NetworkPolicy")]
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in policies
    for name, template in pods(overlay):
        labels = template["metadata"]["labels"]
        own = [policy for policy in policies if policy["podSelector"] and chosen(policy["podSelector"], labels)]
        assert own, f"{name} could do nothing at all"
        for policy in own:
            ways = [*policy.get("ingress", []), *policy.get("egress", [])]
            assert all(way.get("ports") and (way.get("from") or way.get("to")) for way in ways), name


@pytest.mark.parametrize(("overlay", "speakers"), [("demo", {"agent", "bridge"}), ("central", {"bridge"})])
def test_who_needs_the_broker_reaches_it_and_is_let_in(overlay: str, speakers: set[str]) -> None:
    """Selectors of peers survive the labels that an overlay adds."""
    templates = dict(pods(overlay))
    broker = templates["broker"]["metadata"]["labels"]
    policies = objects(overlay, "NetworkPolicy")
    for speaker in speakers:
        labels = templates[speaker]["metadata"]["labels"]
        assert any(peer_chosen(policies, labels, "egress", broker))
        assert any(peer_chosen(policies, broker, "ingress", labels))


def peer_chosen(policies: list[Object], own: dict[str, str], way: str, peer: dict[str, str]) -> Iterator[bool]:
    for policy in policies:
        if chosen(policy["spec"]["podSelector"], own):
            for rule in policy["spec"].get(way, []):
                for other in rule["to" if way == "egress" else "from"]:
                    yield (
                        "podSelector" in other
                        and "namespaceSelector" not in other
                        and chosen(other["podSelector"], peer)
                    )


@every_overlay
def test_services_monitors_and_budgets_find_their_pods(overlay: str) -> None:
    labels = [template["metadata"]["labels"] for _, template in pods(overlay)]
    for service in objects(overlay, "Service"):
        assert sum(chosen({"matchLabels": service["spec"]["selector"]}, each) for each in labels) == 1
    for budget in objects(overlay, "PodDisruptionBudget"):
        some = any(chosen(budget["spec"]["selector"], each) for each in labels)
        assert some or (overlay, budget["metadata"]["name"]) == ("central", "agents"), "none in the centre"


def test_an_agent_is_one_and_a_bridge_is_two_each_with_a_disk_of_its_own() -> None:
    replicas = {
        name: named("demo", "StatefulSet", name)["spec"]["replicas"] for name in ("agent", "bridge", "broker")
    }
    assert replicas == {"agent": 1, "bridge": 2, "broker": 1}
    for one in objects("demo", "StatefulSet"):
        (claim,) = one["spec"]["volumeClaimTemplates"]
        assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert "replica" not in config("demo", "bridge")["bridge"], "two ordinary bridges, no shared file"


def config(overlay: str, name: str) -> Object:
    read: Object = yaml.safe_load(settings_text(overlay, name))
    return read


def settings_text(overlay: str, name: str) -> str:
    """The settings file of a pod, found as the kubelet finds it."""
    volumes = dict(pods(overlay))[name]["spec"]["volumes"]
    (config_map,) = [volume["configMap"]["name"] for volume in volumes if "configMap" in volume]
    (text,) = named(overlay, "ConfigMap", config_map)["data"].values()
    return str(text)


AGENTS_AND_BRIDGES = [
    ("edge-k3s", "agent-dock-box-1"),
    ("edge-k3s", "agent-aisle-box-1"),
    ("central", "bridge"),
    ("demo", "agent"),
    ("demo", "bridge"),
]


def settings_of(overlay: str, name: str, folder: Path) -> Settings:
    (folder / "settings.yaml").write_text(settings_text(overlay, name))
    return settings_file.load(folder / "settings.yaml", ENVIRON)


@pytest.mark.parametrize(("overlay", "name"), AGENTS_AND_BRIDGES)
def test_settings_hold_and_name_what_the_pod_is_given(overlay: str, name: str, tmp_path: Path) -> None:
    settings = settings_of(overlay, name, tmp_path)
    template = dict(pods(overlay))[name]
    (container,) = template["spec"]["containers"]
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert settings.mqtt.tls
    assert {str(path.parent) for path in (settings.mqtt.ca_file, settings.mqtt.cert_file) if path} <= mounted
    page = settings.bridge if name == "bridge" else settings.metrics
    assert (page.host, page.port) == ("0.0.0.0", container["ports"][0]["containerPort"])
    if name != "bridge":
        assert template["metadata"]["labels"]["app.kubernetes.io/instance"] == settings.agent
        assert template["metadata"]["labels"]["site"] == settings.site
        assert str(settings.pose.models_dir) in (ROOT / "deploy/Dockerfile").read_text()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A site's own overlays, to be changed."""
    for folder in ("deploy", "grafana"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path / "deploy/k8s/overlays"


def centre_with(component: str, overlays: Path) -> Path:
    """A site's own overlay: the centre and one component."""
    overlay = overlays / "mine"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(
        f"resources: [../central]\ncomponents: [../../components/{component}]\n"
    )
    return overlay


def test_changed_settings_start_the_pod_anew_and_no_other(copied: Path) -> None:
    overlay = copied / "edge-k3s"
    settings = overlay / "agents/dock-box-1/agent.yaml"
    settings.write_text(settings.read_text().replace("workers: 6", "workers: 7"))
    before = dict(pods("edge-k3s"))
    assert [name for name, template in pods(overlay) if template != before[name]] == ["agent-dock-box-1"]


def test_a_broker_that_is_there_already_takes_mosquittos_place(copied: Path) -> None:
    overlay = centre_with("clustered-broker", copied)
    assert [name for name, _ in pods(overlay)] == ["bridge"]
    assert not [one for one in objects(overlay, "Service") if one["metadata"]["name"] == "broker"]
    (settings,) = [one["data"] for one in objects(overlay, "ConfigMap") if "bridge.yaml" in one["data"]]
    assert yaml.safe_load(settings["bridge.yaml"])["mqtt"]["host"] == "mqtt.example"


@pytest.fixture
def sending(copied: Path) -> Path:
    """The centre, whose numbers go to a store elsewhere."""
    return centre_with("remote-write", copied)


def test_the_numbers_go_to_a_store_elsewhere_and_the_operator_is_not_needed(sending: Path, tmp_path: Path) -> None:
    assert not [one["kind"] for one in objects(sending) if "coreos" in one["apiVersion"]]
    (tmp_path / "rendered").mkdir()
    (tmp_path / "rendered/all.yaml").write_text(rendered(sending))
    run(TOOLS / "kubernetes-validate", "--strict", "-k", "1.30", tmp_path / "rendered/all.yaml")
    run(TOOLS / "checkov", "--config-file", K8S / ".checkov.yaml", "-d", tmp_path / "rendered")


def test_who_sends_the_numbers_does_no_more_than_others_and_reaches_the_pages(sending: Path) -> None:
    templates = dict(pods(sending))
    (container,) = containers(templates["remote-write"])
    (bridge,) = containers(templates["bridge"])
    assert container["securityContext"] == bridge["securityContext"]
    assert templates["remote-write"]["spec"]["securityContext"]["runAsUser"] >= 10000
    policies = objects(sending, "NetworkPolicy")
    own, peer = (templates[name]["metadata"]["labels"] for name in ("remote-write", "bridge"))
    assert any(peer_chosen(policies, own, "egress", peer))
    assert any(peer_chosen(policies, peer, "ingress", own))


def test_an_edge_sends_the_pages_of_its_own_agents(copied: Path) -> None:
    edge = copied / "edge-k3s"
    (edge / "pages").mkdir()
    (edge / "pages/prometheus.yml").write_text("scrape_configs: []\n")
    (edge / "pages/kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nconfigMapGenerator:\n"
        "  - {name: remote-write, namespace: hingewatch, behavior: replace, files: [prometheus.yml]}\n"
    )
    with (edge / "kustomization.yaml").open("a") as kustomization:
        kustomization.write("components: [../../components/remote-write, pages]\n")
    (told,) = [one["data"] for one in objects(edge, "ConfigMap") if "prometheus.yml" in one["data"]]
    assert told == {"prometheus.yml": "scrape_configs: []\n"}


def test_an_npu_is_asked_for_as_a_gpu_is(copied: Path) -> None:
    kustomization = copied / "edge-k3s/agents/aisle-box-1/kustomization.yaml"
    kustomization.write_text(kustomization.read_text().replace("intel-gpu", "intel-npu"))
    limits = containers(dict(pods(copied / "edge-k3s"))["agent-aisle-box-1"])[0]["resources"]["limits"]
    assert limits == {"cpu": "2", "memory": "1Gi", "npu.intel.com/accel": "1"}


@pytest.fixture
def canary(copied: Path) -> Path:
    """The edge of a site, where dock-box-1 is the first to run 0.2.0."""
    kustomization = copied / "edge-k3s/agents/dock-box-1/kustomization.yaml"
    told = "components: [../../../../components/canary]\nimages: [{name: hingewatch, newTag: 0.2.0}]\n"
    kustomization.write_text(kustomization.read_text() + told)
    return copied / "edge-k3s"


def test_one_agent_is_the_first_to_run_a_new_image_and_is_ready_while_it_sees_its_cameras(
    canary: Path, tmp_path: Path
) -> None:
    before, after = dict(pods("edge-k3s")), dict(pods(canary))
    assert [name for name, template in after.items() if template != before[name]] == ["agent-dock-box-1"]
    (container,) = containers(after["agent-dock-box-1"])
    assert container["image"] == "hingewatch:0.2.0"
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    program, command, *options = container["readinessProbe"]["exec"]["command"]
    assert str(Path(options[options.index("--config") + 1]).parent) in mounted
    help_of = run(Path(sys.executable).with_name(program), command, "--help")
    assert all(option in help_of for option in options if option.startswith("--"))
    (tmp_path / "all.yaml").write_text(rendered(canary))
    run(TOOLS / "kubernetes-validate", "--strict", "-k", "1.37", tmp_path / "all.yaml")


KUBECTL_THAT_TELLS = """#!/bin/sh
echo "$*" >>"$TOLD"
case "$*" in *"$FAILS"*) exit 1 ;; exec*) echo 80/400 ;; esac
"""


ASK = "exec --namespace hingewatch statefulset/agent-dock-box-1"


@pytest.mark.parametrize("fails", ["never", "exec", "rollout status", "wait"])
def test_the_canary_gives_way_where_it_does_not_become_available(tmp_path: Path, fails: str) -> None:
    """The order of what kubectl is told; no cluster was at hand to tell it to."""
    kubectl, told = tmp_path / "kubectl", tmp_path / "told"
    kubectl.write_text(KUBECTL_THAT_TELLS)
    kubectl.chmod(0o755)
    environ = os.environ | {"KUBECTL": str(kubectl), "TOLD": str(told), "FAILS": fails}
    command = [str(K8S / "canary.sh"), "my-edge", "dock-box-1"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    steps = [line.removeprefix("--namespace hingewatch ") for line in told.read_text().splitlines()]
    assert steps[:2] == [f"{ASK} -- edge-agent lifts", "apply --server-side -k my-edge"]
    undone = [line for line in steps if "undo" in line or "delete" in line]
    if fails in {"never", "exec"}:
        assert (done.returncode, undone) == (0, [])
        assert (f"kubectl {ASK} -- edge-agent lifts --before 80/400\n" in done.stdout) == (fails == "never")
    else:
        assert done.returncode == 1
        assert undone == [
            "rollout undo --namespace hingewatch statefulset/agent-dock-box-1",
            "delete pod --namespace hingewatch agent-dock-box-1-0 --wait=false",
        ]


def test_the_tools_refuse_what_they_are_for(tmp_path: Path) -> None:
    bridge = K8S / "base/bridge/bridge.yaml"
    wrong = bridge.read_text().replace("readOnlyRootFilesystem: true", "privileged: true")
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong/all.yaml").write_text(wrong)
    with pytest.raises(AssertionError, match="privileged"):
        run(TOOLS / "checkov", "--config-file", K8S / ".checkov.yaml", "-d", tmp_path / "wrong")
    (tmp_path / "wrong/all.yaml").write_text(bridge.read_text().replace("enableServiceLinks", "enableServiceLink"))
    with pytest.raises(AssertionError, match="enableServiceLink"):
        run(TOOLS / "kubernetes-validate", "--strict", "-k", "1.37", tmp_path / "wrong/all.yaml")


@pytest.mark.parametrize("overlay", ["edge-k3s", "demo"])
def test_only_the_box_with_a_gpu_asks_for_one(overlay: str) -> None:
    asked = {name: "gpu.intel.com/i915" in containers(pod)[0]["resources"]["limits"] for name, pod in pods(overlay)}
    assert [name for name, asks in asked.items() if asks] == (["agent-aisle-box-1"] if overlay == "edge-k3s" else [])


def test_rules_are_those_of_grafana_and_prometheus_reads_them(tmp_path: Path) -> None:
    for path, text in rules.written().items():
        assert path.read_text() == text, "run: .venv/bin/python -m scripts.k8s.rules"
    found = objects("central", "PrometheusRule")
    assert len(found) == len(list(ROOT.glob("grafana/rules/*.yml"))) + len(list(ROOT.glob("grafana/alerts/*.yml")))
    for one in [*found, *objects("edge-k3s", "PrometheusRule")]:
        file = tmp_path / f"{one['metadata']['name']}.yml"
        file.write_text(yaml.safe_dump(one["spec"]))
        run(program("promtool"), "check", "rules", file)


def alerts(overlay: str) -> dict[str, str]:
    """By name, what each asks."""
    groups = [group for one in objects(overlay, "PrometheusRule") for group in one["spec"]["groups"]]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"] if "alert" in rule}


def test_a_camera_that_dies_rings_at_the_edge_where_its_agent_is_read() -> None:
    """No Prometheus of the centre reads an agent's page; and an edge has no bridge whose silence means anything."""
    edge, centre = alerts("edge-k3s"), alerts("central")
    assert {"CameraDown", "OutboxCannotWrite", "LiftsGivenUp", "AgentPageGone"} <= edge.keys()
    assert edge.items() <= centre.items()
    assert not [name for name, asked in edge.items() if "absent(" in asked or "hingewatch-bridge" in asked]
    assert not [name for name in centre.keys() - edge.keys() if "edge_agent_" in centre[name]]


def test_every_dashboard_is_taken_and_fits_what_a_config_map_may_hold() -> None:
    held = {file: text for one in objects("central", "ConfigMap") for file, text in one["data"].items()}
    boards = {path.name: path.read_text() for path in ROOT.glob("grafana/dashboards/*.json")}
    assert boards
    assert boards.items() <= held.items()
    assert max(map(len, boards.values())) < 2**18, "kubectl apply keeps a second copy in an annotation of 256 KiB"
