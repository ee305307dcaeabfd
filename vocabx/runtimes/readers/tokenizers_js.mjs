// @huggingface/tokenizers: tokenizer.json and tokenizer_config.json in JavaScript.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";

function read(directory, name) {
  const path = join(directory, name);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf-8")) : {};
}

export async function load(directory) {
  const tokenizer = new Tokenizer(read(directory, "tokenizer.json"), read(directory, "tokenizer_config.json"));
  return {
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
    decode: (ids) =>
      ids.length ? tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false }) : "",
  };
}
