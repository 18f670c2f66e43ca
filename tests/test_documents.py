"""What the documents claim is held by a test that exists, and their links lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("*.md", "docs/**/*.md", "grafana/**/*.md", "deploy/**/*.md")
DOCUMENTS = sorted(path for folder in FOLDERS for path in ROOT.glob(folder))
NAMED_TEST = re.compile(r"`(tests/test_\w+\.py)::(test_\w+)`")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)")


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_test_that_a_document_names_exists(document: Path) -> None:
    for file, name in NAMED_TEST.findall(document.read_text(encoding="utf-8")):
        source = ROOT / file
        assert source.exists(), file
        assert f"def {name}(" in source.read_text(encoding="utf-8"), f"{file}::{name}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", ["docs/privacy.md", "docs/threat-model.md"])
def test_the_documents_for_others_do_name_tests(document: str) -> None:
    assert len(NAMED_TEST.findall((ROOT / document).read_text(encoding="utf-8"))) >= 10
