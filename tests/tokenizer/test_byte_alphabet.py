from hypothesis import given
from hypothesis import strategies as st

from vocabx.tokenizer.byte_alphabet import from_alphabet, to_alphabet


@given(st.binary())
def test_bytes_survive_the_alphabet(data):
    assert from_alphabet(to_alphabet(data)) == data


def test_the_alphabet_is_that_of_real_vocabularies(base):
    from tokenizers.pre_tokenizers import ByteLevel

    assert {to_alphabet(bytes([b])) for b in range(256)} == set(ByteLevel.alphabet())
    assert to_alphabet(" 中".encode()) == "Ġä¸Ń"


def test_a_special_token_stands_for_no_bytes():
    assert from_alphabet("<|im end|>") is None
