import string
import subprocess
import sys

import pytest

import vocabx
from vocabx import api


def test_every_public_name_is_there_and_documented():
    for name in api.__all__:
        value = getattr(api, name)
        if callable(value):
            assert value.__doc__ and value.__doc__.strip()[0] in string.ascii_uppercase + "`", name
    assert dir(api) == sorted(api.__all__)


def test_a_name_that_is_not_there_is_told_by_its_module():
    with pytest.raises(AttributeError, match=r"module 'vocabx\.api' has no attribute 'learn'"):
        _ = api.learn


def test_importing_the_parts_imports_no_library_and_adds_nothing_to_vocabx():
    code = (
        "import sys, vocabx.api; "
        "heavy = {'numpy', 'scipy', 'torch', 'tokenizers', 'transformers'} & sys.modules.keys(); "
        "print(sorted(heavy), 'api' in dir(vocabx))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[] False"
    assert "api" not in dir(vocabx)


def test_no_part_imports_torch():
    names = ", ".join(api.__all__)
    code = f"import sys; from vocabx.api import {names}; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
