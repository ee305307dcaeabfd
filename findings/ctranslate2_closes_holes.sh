#!/usr/bin/env bash
# CTranslate2 gives every token above a hole in the vocabulary the id of the one before it.
#
# Versions: ctranslate2 4.8.5, transformers 5.24.0, torch 2.13.0. Seen on 2026-11-30.
# Expected: a token keeps its id, the number of its row in the embeddings. The converter of transformers models gives
#   rows without a token the names <extra_id_0>, <extra_id_1> and so on, so one of these stands in a hole.
# What happens: it sorts the tokens by id, writes them one after another, and adds those names at the end. Above a hole
#   each token stands one row too low, without an error, since the sizes agree: the model is given tokens other than
#   those in the prompt, and its answer is spelled with other tokens. Here no token has id 5, and the model continues
#   each letter with the next one; after "d" it was given the row of "c".
#
# Output:
#> tokenizer    0 <s>, 1 </s>, 2 <unk>, 3 a, 4 b, 6 c, 7 d, 8 e
#> ctranslate2  0 <s>, 1 </s>, 2 <unk>, 3 a, 4 b, 5 c, 6 d, 7 e, 8 <extra_id_0>, 9 <extra_id_1>
#> after a  transformers b c d e  ids 4 6 7 8  ctranslate2 b d e <extra_id_0> ids 4 6 7 8
#> after d  transformers e        ids 8        ctranslate2 e                  ids 7
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
# PyTorch with what it requires, which differs from one build of it to the next; everything else as it stands here.
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-compile --only-binary :all: \
    torch==2.13.0 filelock==4.3.1 fsspec==2026.9.0 typing_extensions==4.16.0 jinja2==3.1.6 MarkupSafe==3.0.4 \
    networkx==3.6.1 setuptools==84.2.1 sympy==1.14.0 mpmath==1.3.0
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    ctranslate2==4.8.5 transformers==5.24.0 tokenizers==0.23.3 huggingface_hub==2.4.0 safetensors==0.8.0 \
    numpy==2.4.6 PyYAML==6.0.4 regex==2026.11.19 tqdm==4.70.1 httpx2==2.16.2 httpcore2==2.16.2 h11==0.16.0 \
    anyio==4.16.0 idna==3.20 packaging==26.4 truststore==0.10.5 click==8.5.1
HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 "$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

import ctranslate2
import torch
import transformers
from tokenizers import Tokenizer, models

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
ROWS = 10
IDS = {"<s>": 0, "</s>": 1, "<unk>": 2, "a": 3, "b": 4, "c": 6, "d": 7, "e": 8}
source, target = Path(sys.argv[1]) / "source", Path(sys.argv[1]) / "target"
tokenizer = transformers.PreTrainedTokenizerFast(
    tokenizer_object=Tokenizer(models.WordLevel(IDS, "<unk>")), bos_token="<s>", eos_token="</s>", unk_token="<unk>"
)
tokenizer.save_pretrained(source)
model = transformers.LlamaForCausalLM(transformers.LlamaConfig(
    vocab_size=ROWS, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
    bos_token_id=0, eos_token_id=1,
))
with torch.no_grad():
    # A layer that changes nothing, and for each letter the highest score at the row of the next one.
    for weight in model.parameters():
        weight.mul_(0 if weight.dim() > 1 else 1)
    model.model.embed_tokens.weight.copy_(torch.eye(ROWS, 16))
    for left, right in zip("abcd", "bcde"):
        model.lm_head.weight[IDS[right], IDS[left]] = 1
model.save_pretrained(source)
ctranslate2.converters.TransformersConverter(str(source)).convert(str(target))


def listed(pairs):
    return ", ".join(f"{number} {name}" for number, name in pairs)


def spelled(parts):
    return " ".join(str(part) for part in parts)


print(f"tokenizer    {listed(sorted((number, name) for name, number in IDS.items()))}")
print(f"ctranslate2  {listed(enumerate(json.loads((target / 'vocabulary.json').read_text())))}")
converted = ctranslate2.Generator(str(target), intra_threads=1)
for letter, length in (("a", 4), ("d", 1)):
    ids = model.generate(torch.tensor([[IDS[letter]]]), max_new_tokens=length, do_sample=False)[0, 1:]
    result = converted.generate_batch([[letter]], max_length=length, include_prompt_in_result=False)[0]
    names = spelled(tokenizer.convert_ids_to_tokens(ids))
    print(f"after {letter}  transformers {names:7}  ids {spelled(ids.tolist()):7}  "
          f"ctranslate2 {spelled(result.sequences[0]):18} ids {spelled(result.sequences_ids[0])}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
