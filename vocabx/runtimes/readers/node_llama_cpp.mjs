// llama.cpp as node-llama-cpp brings it: the vocabulary of a .gguf file.
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.error });

export async function load(path) {
  const model = await llama.loadModel({ modelPath: path, vocabOnly: true });
  return {
    encode: (text) => model.tokenize(text, true),
    decode: (ids) => model.detokenize(ids, true),
  };
}
