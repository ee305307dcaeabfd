import pytest

from vocabx._util.links import copy_folder, files_in
from vocabx.errors import TokenizerError

TEMPLATES = "additional_chat_templates"


@pytest.fixture
def directory(tmp_path):
    """A directory with a folder of two files, one of them in a folder of its own."""
    directory = tmp_path / "model"
    (directory / TEMPLATES / "deep").mkdir(parents=True)
    (directory / TEMPLATES / "rag.jinja").write_text("rag")
    (directory / TEMPLATES / "deep" / "tool.jinja").write_text("tool")
    (tmp_path / "out").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("secret")
    return directory


def test_a_folder_is_copied_with_its_own_folders_and_links_inside(directory, tmp_path):
    (directory / "shared").write_text("shared")
    (directory / TEMPLATES / "link.jinja").symlink_to(directory / "shared")
    copy_folder(directory, TEMPLATES, tmp_path / "out", TokenizerError)
    copied = tmp_path / "out" / TEMPLATES
    found = {
        path.relative_to(copied).as_posix(): path.read_text()
        for path in files_in(copied, copied, TokenizerError)
    }
    assert found == {"rag.jinja": "rag", "deep/tool.jinja": "tool", "link.jinja": "shared"}
    assert not (copied / "link.jinja").is_symlink()


def test_a_folder_that_is_not_there_is_not_made(directory, tmp_path):
    copy_folder(directory, "absent", tmp_path / "out", TokenizerError)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("what", ["file", "folder inside", "the folder itself"])
def test_links_that_lead_out_are_refused(directory, tmp_path, what):
    if what == "file":
        link, target = directory / TEMPLATES / "key", tmp_path / "secret" / "key"
    elif what == "folder inside":
        link, target = directory / TEMPLATES / "secret", tmp_path / "secret"
    else:
        link, target = directory / TEMPLATES, tmp_path / "secret"
        link.rename(directory / "other")
    link.symlink_to(target)
    with pytest.raises(TokenizerError, match=f"{link} is a link to a file outside its directory"):
        copy_folder(directory, TEMPLATES, tmp_path / "out", TokenizerError)
