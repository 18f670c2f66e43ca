"""What the documentation tells people to type does what it says."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.command_proofs import By, Here, Run, environment, furnish, runnable
from tests.command_rules import RULES, proof_of
from tests.site_commands import ROOT, Command, commands, pages, spans, understood

PAGES = pages()
EVERY = [command for page in PAGES for command in commands(page)]
WHAT_TO_DO = (
    "no row of tests/command_rules.py proves this command. Add one: Run() where it may run for real in a folder of "
    'its own, By("test_x.py", "test_y") where another test runs it, Here(why, check) where it cannot be run here'
)


def test_there_are_commands_and_they_are_found() -> None:
    assert len(EVERY) > 60
    assert Command("README.md", "make test") in EVERY
    joined = [command for command in EVERY if "--to 2026-11-26 --out week.html" in command.text]
    assert joined
    assert joined[0].text.startswith("edge-agent report "), "continued lines are one command"


@pytest.mark.parametrize("command", EVERY, ids=str)
def test_every_command_is_proven_somewhere(command: Command) -> None:
    proof = proof_of(command)
    assert proof is not None, WHAT_TO_DO
    if isinstance(proof, By):
        tests = (ROOT / "tests" / proof.file).read_text(encoding="utf-8")
        assert f"def {proof.name}(" in tests, f"{proof} is gone: name the test that runs it now"
    if isinstance(proof, Here):
        proof.check(command)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_a_pages_commands_run_in_order_in_a_folder_of_their_own(page: str, tmp_path: Path) -> None:
    told = [(command, proof) for command in commands(page) if isinstance(proof := proof_of(command), Run)]
    if not told:
        return
    furnish(tmp_path, page)
    script = "\n".join(["set -eux", *(runnable(command, proof) for command, proof in told)])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "error:" not in done.stderr


def test_no_row_is_left_of_a_command_that_is_gone() -> None:
    stale = [pattern for pattern, _ in RULES if not any(re.fullmatch(pattern, command.text) for command in EVERY)]
    assert stale == []


@pytest.mark.parametrize("command", EVERY, ids=str)
def test_every_command_is_sound_shell_and_its_words_are_known(command: Command) -> None:
    sound = subprocess.run(["bash", "-n", "-c", command.text], capture_output=True, text=True, check=False)
    assert sound.returncode == 0, sound.stderr
    for words in command.parts:
        names = [place for place, word in enumerate(words) if Path(word).name == "edge-agent"]
        if names:
            understood(words[names[0] + 1 :])
        if words[0] == "make":
            planned = subprocess.run(
                ["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert planned.returncode == 0, planned.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if spans(page)])
def test_commands_within_a_sentence_have_the_programs_own_words(page: str) -> None:
    for span in spans(page):
        understood(span.split()[1:], whole=False)


def test_what_is_misspelt_is_found() -> None:
    for words in (["doktor"], ["certs", "init", "x", "--sight", "leeds"], ["peek"], ["run", "--config"]):
        with pytest.raises(Exception):  # noqa: B017, PT011 - click's own, or an assertion
            understood(words)
    with pytest.raises(AssertionError):
        understood(["doctor", "--jsn"], whole=False)
    assert proof_of(Command("docs/index.md", "rm -rf /")) is None
