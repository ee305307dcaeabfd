// transformers.js, as AutoTokenizer loads a directory.
import { basename, dirname } from "node:path";
import { AutoTokenizer, env } from "@huggingface/transformers";

env.allowRemoteModels = false;

export async function load(directory) {
  env.localModelPath = `${dirname(directory)}/`;
  const tokenizer = await AutoTokenizer.from_pretrained(basename(directory), { local_files_only: true });
  return {
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }),
    decode: (ids) =>
      ids.length ? tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false }) : "",
  };
}
