#!/usr/bin/env bash
# safetensors.numpy stores the memory of an array that is not in row order, and so other numbers.
#
# Versions: safetensors 0.8.0, and 0.7.0 beside it; numpy 2.4.6. Seen on 2026-11-29.
# Expected: what load returns equals what save was given, or save raises an error. A transposed matrix, every second
#   column and the first columns are ordinary numpy arrays, and 0.7.0 stores them as they are.
# What happens: 0.8.0 copies the bytes from the array's first one on, whatever its strides say, without an error. Shape
#   and dtype are right and the numbers are not: a transposed matrix comes back with its numbers in the old order under
#   the new shape, a slice comes back with its neighbours. Arithmetic keeps the order of its input, so that
#   `head.T * 2` is wrong, too. The documentation says "contiguous"; nothing checks it.
#
# Output:
#> matrix           [[0, 1, 2], [3, 4, 5]]    0.7.0 equal: True    0.8.0 equal: True
#> matrix.T         [[0, 3], [1, 4], [2, 5]]  0.7.0 equal: True    0.8.0 equal: False [[0, 1], [2, 3], [4, 5]]
#> matrix.T * 2     [[0, 6], [2, 8], [4, 10]] 0.7.0 equal: True    0.8.0 equal: False [[0, 2], [4, 6], [8, 10]]
#> matrix[:, :2]    [[0, 1], [3, 4]]          0.7.0 equal: True    0.8.0 equal: False [[0, 1], [2, 3]]
#> matrix[:, ::2]   [[0, 2], [3, 5]]          0.7.0 equal: True    0.8.0 equal: False [[0, 1], [2, 3]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
for version in 0.7.0 0.8.0; do
    "$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
        --no-deps --no-compile --only-binary :all: --target "$folder/$version" \
        safetensors==$version numpy==2.4.6
done
cat >"$folder/store.py" <<'END'
import json

import numpy as np
from safetensors.numpy import load, save

matrix = np.arange(6).reshape(2, 3)
arrays = {
    "matrix": matrix,
    "matrix.T": matrix.T,
    "matrix.T * 2": matrix.T * 2,
    "matrix[:, :2]": matrix[:, :2],
    "matrix[:, ::2]": matrix[:, ::2],
}
print(json.dumps({name: [array.tolist(), load(save({"x": array}))["x"].tolist()] for name, array in arrays.items()}))
END
for version in 0.7.0 0.8.0; do
    PYTHONPATH="$folder/$version" "$folder/venv/bin/python" "$folder/store.py" >"$folder/$version.json"
done
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
older, newer = (json.loads((folder / f"{version}.json").read_text()) for version in ("0.7.0", "0.8.0"))
for name, (given, stored) in newer.items():
    equal = older[name][0] == older[name][1]
    line = f"{name:16} {given!s:25} 0.7.0 equal: {equal}    0.8.0 equal: {given == stored}"
    print(line if given == stored else f"{line} {stored}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
