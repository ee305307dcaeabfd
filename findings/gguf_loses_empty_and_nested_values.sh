#!/usr/bin/env bash
# gguf does not write an empty text or list, and reads an array of arrays back as one array.
#
# Versions: gguf 0.19.0. Seen on 2026-11-29.
# Expected: GGUFReader returns the keys and values that GGUFWriter was given. Empty texts and arrays, and arrays of
#   arrays, are values of the format.
# What happens: add_string and add_array leave a key with an empty value out, without an error, while 0 and False are
#   written: "empty" and "not stated" become one. Arrays of arrays are written with their lengths, but contents() joins
#   them: what belonged together is not to be seen, and what was read and is written again makes another file.
#
# Output:
#> given 'text', read 'text'
#> given '', read no such key
#> given [1, 2], read [1, 2]
#> given [], read no such key
#> given 0, read 0
#> given False, read False
#> given [[1, 2], [3]], read [1, 2, 3], types ARRAY ARRAY INT32
#> given [['a', 'bc'], ['d']], read ['a', 'bc', 'd'], types ARRAY ARRAY STRING
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    gguf==0.19.0 numpy==2.4.6 PyYAML==6.0.4
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import sys
from pathlib import Path

from gguf import GGUFReader, GGUFWriter

values = ["text", "", [1, 2], [], 0, False, [[1, 2], [3]], [["a", "bc"], ["d"]]]
file = Path(sys.argv[1]) / "values.gguf"
writer = GGUFWriter(file, "llama")
adders = {str: writer.add_string, list: writer.add_array, int: writer.add_uint32, bool: writer.add_bool}
for number, value in enumerate(values):
    adders[type(value)](f"test.{number}", value)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.close()
fields = GGUFReader(file).fields
for number, value in enumerate(values):
    field = fields.get(f"test.{number}")
    read = repr(field.contents()) if field else "no such key"
    types = " ".join(kind.name for kind in field.types) if field else ""
    print(f"given {value!r}, read {read}{f', types {types}' if types.count('ARRAY') > 1 else ''}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
