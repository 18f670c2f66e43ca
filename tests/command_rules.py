"""How each command of the documentation is proven. A new one without a row fails the test, which says what to do.

The first row whose pattern is the whole command counts; ``command_proofs`` says what each kind of proof is.
"""

import re
from typing import Final

from tests.command_proofs import (
    By,
    Here,
    Proof,
    Run,
    ci_runs_it,
    debian_has_it,
    debians_unit_can,
    its_program_is_there,
    kubectl_knows,
    named_files_exist,
    options_are_in_the_script,
    the_image_is_the_manifests,
    the_lock_has_hashes,
    the_recipes_script_is_there,
)
from tests.site_commands import Command

NO_CLUSTER, NO_BROKER_UNIT = "no cluster is at hand", "the tests start brokers of their own, and not Debian's"
TORCH, LONG = "needs PyTorch and an OpenGL renderer, minutes to hours", "takes minutes to hours"
NO_BUILDER = "make test builds it at its end, where buildah can run"
IS_CI = "it is what runs this test"

RULES: Final[tuple[tuple[str, Proof], ...]] = (
    # the project itself
    (r"make demo", By("test_demo.py", "test_the_demo_tells_each_lift_why_and_what_it_became")),
    (r"make demo VIDEO=\S+", By("test_demo.py", "test_the_demo_says_what_to_try_next_in_lines_that_can_be_copied")),
    (r"make (test|check)", Here(IS_CI, ci_runs_it)),
    (r"make docs", By("test_docs_site.py", "test_the_site_has_every_page_and_its_start")),
    (r"\.venv/bin/(pytest|ruff) .*", Here(IS_CI, ci_runs_it)),
    (
        r"make stack VIDEO=\S+",
        By("test_stack.py", "test_make_stack_shows_the_lifts_of_ones_own_video_and_ends_with_make"),
    ),
    (
        r"make stack",
        By("test_stack.py", "test_lifts_of_the_clip_are_seen_in_prometheus_and_ctrl_c_ends_everything_in_order"),
    ),
    (
        r"make archive",
        By("test_install.py", "test_the_archive_installs_without_network_and_what_it_installed_sees_the_clips_lifts"),
    ),
    (
        r"make archive SIGN_KEY=\S+",
        By("test_update.py", "test_a_box_that_knows_who_may_sign_takes_nobody_elses_archive"),
    ),
    (r"make image.*", Here(NO_BUILDER, the_recipes_script_is_there)),
    (
        r"make bench( VIDEO=.*)?",
        By("test_bench_whole.py", "test_the_whole_benchmark_holds_its_keys_and_draws_its_page"),
    ),
    (
        r"make soak( MINUTES=.*)?",
        By(
            "test_bench_whole.py",
            "test_the_page_of_an_hour_says_whether_the_camera_without_power_disturbed_the_others",
        ),
    ),
    (r"make bench-fleet", Here(LONG, its_program_is_there)),
    # one clip
    (
        r"\.venv/bin/edge-agent analyze my\.mp4 .*",
        By("test_end_to_end.py", "test_the_picture_of_a_clip_plays_and_its_report_stands_alone"),
    ),
    (
        r"\.venv/bin/edge-agent evaluate .*",
        By("test_evaluate.py", "test_every_lift_of_the_demo_clip_is_found_and_judged_rightly"),
    ),
    (r"\.venv/bin/edge-agent bench .*", By("test_bench.py", "test_every_stage_of_a_real_clip_has_its_cost")),
    (
        r"\.venv/bin/edge-agent models quantize .*",
        By("test_quantize.py", "test_what_passes_is_kept_with_its_figures"),
    ),
    (r"\.venv/bin/pip install --require-hashes -r \S+", Here("NNCF is large", the_lock_has_hashes)),
    # a site
    (r"cp configs/example\.yaml my-site\.yaml", Run()),
    (r"export DOCK_3_PASSWORD=secret", Run()),
    (r"\.venv/bin/edge-agent config check .*", Run()),
    (
        r"\.venv/bin/edge-agent discover --user .*",
        By(
            "test_discover.py",
            "test_a_camera_is_found_by_multicast_and_what_is_pasted_is_opened_by_the_product",
        ),
    ),
    (
        r"\.venv/bin/edge-agent discover --address .*",
        By("test_discover.py", "test_a_camera_is_asked_by_its_address_where_multicast_does_not_reach"),
    ),
    (
        r"\.venv/bin/edge-agent doctor .* --watch .*",
        By("test_doctor.py", "test_of_a_healthy_deployment_every_line_is_ok"),
    ),
    (
        r"\.venv/bin/edge-agent certs renew .*",
        By("test_site_certificates.py", "test_debians_broker_reads_what_was_made_and_on_a_signal_what_was_renewed"),
    ),
    (r"\.venv/bin/edge-agent certs .*", Run()),
    (r"edge-agent certs .*", Run()),
    (r"\.venv/bin/edge-agent doctor .*", By("test_cli.py", "test_doctor_is_content_with_a_healthy_box")),
    (r"\.venv/bin/edge-agent peek .*", By("test_peek.py", "test_it_says_who_looks_and_ends_by_itself")),
    (
        r"(ssh -t -L 9110:127\.0\.0\.1:9110 \S+ /opt/hingewatch/bin/|\.venv/bin/)edge-agent setup .*",
        By("test_setup_page.py", "test_the_command_prints_an_address_names_the_user_and_ends_by_itself"),
    ),
    (
        r"\.venv/bin/edge-agent (run|bridge) .*",
        By("test_quick_start.py", "test_the_file_on_the_page_leads_from_a_camera_to_a_lift_on_the_overview_page"),
    ),
    (
        r"(\.venv/bin/)?edge-agent report .*",
        By("test_period_report.py", "test_the_command_says_what_it_found_and_wrote"),
    ),
    (
        r"\.venv/bin/edge-agent simulate-fleet .*--history .*",
        By("test_fleet.py", "test_the_history_has_the_series_of_the_bridges_page_and_no_others"),
    ),
    (
        r"\.venv/bin/edge-agent simulate-fleet .*--rate .*",
        By("test_fleet.py", "test_no_event_is_lost_or_counted_twice_though_the_bridge_is_killed_under_load"),
    ),
    (
        r"\.venv/bin/edge-agent simulate-fleet .*",
        By("test_fleet.py", "test_a_site_with_certificates_is_played_with_each_agents_own"),
    ),
    (
        r"\.venv/bin/edge-agent healthy .*",
        By("test_healthy.py", "test_the_command_says_it_in_words_and_in_its_exit_code"),
    ),
    (
        r"\.venv/bin/edge-agent lifts .*",
        By("test_successor.py", "test_what_the_command_prints_is_what_it_takes_later"),
    ),
    (r"\.venv/bin/edge-agent orders key .*", Run()),
    (
        r"\.venv/bin/edge-agent orders send .*",
        By("test_rollout.py", "test_the_command_orders_what_a_file_says_and_withdraws_it"),
    ),
    # a box with systemd
    (r"sudo apt-get install .*", Here("installs on this machine", debian_has_it)),
    (
        r"/opt/hingewatch/install\.sh (hingewatch-.*\.tar|--rollback)",
        By(
            "test_update.py",
            "test_a_version_that_does_what_the_old_one_did_stays_and_the_old_one_is_kept_for_going_back",
        ),
    ),
    (
        r"(ssh-keygen -t ed25519 -f makers|printf .* >/etc/hingewatch/allowed_signers)",
        By("test_update.py", "test_a_box_that_knows_who_may_sign_takes_nobody_elses_archive"),
    ),
    (
        r"cp \S+/bridge\.sqlite \S+",
        By("test_ledger_backup.py", "test_a_copy_of_a_stopped_bridges_file_counts_on_and_a_running_one_is_locked"),
    ),
    (
        r"(setpriv|systemctl|journalctl) .*hingewatch.*",
        By("test_systemd.py", "test_what_the_documentation_types_on_a_box_works_there"),
    ),
    (r"systemctl reload mosquitto", Here(NO_BROKER_UNIT, debians_unit_can)),
    # containers
    (r"docker compose -f \S+ up", By("test_deploy.py", "test_compose_follows_its_specification")),
    (r"podman build .*", By("test_deploy.py", "test_the_image_is_built_as_hadolint_would_have_it")),
    (r"podman save .*", Here("no k3s is at hand", the_image_is_the_manifests)),
    (r"deploy/k8s/secrets\.sh .* \| kubectl apply -f -", Run(instead=(("kubectl apply -f -", "cat"),))),
    (
        r"deploy/k8s/canary\.sh \S+ \S+",
        By("test_k8s.py", "test_the_canary_gives_way_where_it_does_not_become_available"),
    ),
    (r"kubectl apply --server-side -k .*", Here(NO_CLUSTER, kubectl_knows)),
    (r"kubectl .*", Here(NO_CLUSTER, kubectl_knows)),
    # simulated people
    (r"\.\./environment\.sh .*", Here(TORCH, named_files_exist)),
    (r"~/\.cache/people-venv/bin/python .*", Here(TORCH, options_are_in_the_script)),
    (r"\.\./\.\./\.venv/bin/python form\.py .*", Here(TORCH, options_are_in_the_script)),
)


def proof_of(command: Command) -> Proof | None:
    """The first row that fits."""
    return next((proof for pattern, proof in RULES if re.fullmatch(pattern, command.text)), None)
