// Asks one runtime of node about some directories: `worker.py` says how. Its readers lie beside it.
import { appendFileSync, readFileSync } from "node:fs";

const LONGEST = 300;
const [asked, answer] = process.argv.slice(2);
const request = JSON.parse(readFileSync(asked, "utf-8"));
const told = (error) => `${error?.name ?? "Error"}: ${String(error?.message ?? error).split("\n")[0]}`.slice(0, LONGEST);
const say = (line) => appendFileSync(answer, JSON.stringify(line) + "\n");
const unpadded = (text) => text.replace(/^ +/, "");

async function compared({ encode, decode }, directory) {
  const found = { encodes: Boolean(encode), decodes: Boolean(decode), ids: [], decoded: [] };
  for (const [number, text] of request.texts.entries()) {
    const ids = directory.ids[number];
    if (encode) {
      let theirs;
      try {
        theirs = Array.from(await encode(text), Number);
      } catch (error) {
        theirs = told(error);
      }
      if (JSON.stringify(theirs) !== JSON.stringify(ids)) found.ids.push([number, theirs]);
    }
    const wanted = directory.decoded[number];
    if (decode && wanted !== null) {
      let back;
      try {
        back = String(await decode(ids));
      } catch (error) {
        back = told(error);
      }
      if (back !== text && unpadded(back) !== unpadded(wanted))
        found.decoded.push([number, back.slice(0, LONGEST)]);
    }
  }
  return found;
}

function versionOf(name) {
  try {
    return JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url), "utf-8")).version;
  } catch {
    return null;
  }
}

const numbers = (version) => version.split(/[-+]/)[0].split(".").map(Number);
function atLeast(version, oldest) {
  const [one, other] = [numbers(version), numbers(oldest)];
  const at = one.findIndex((part, index) => part !== (other[index] ?? 0));
  return at < 0 || one[at] > (other[at] ?? 0);
}

const version = versionOf(request.package);
const old = version !== null && !atLeast(version, request.oldest);
say({ version, old });
if (version !== null && !old && request.directories.length) {
  let load;
  try {
    ({ load } = await import(`./${request.reader}`));
  } catch (error) {
    if (error?.code !== "ERR_MODULE_NOT_FOUND") throw error;
    say({ lacks: /'([^']+)'/.exec(error.message)?.[1] ?? told(error) });
    process.exit(0);
  }
  for (const directory of request.directories) {
    let loaded;
    try {
      loaded = await load(directory.path);
    } catch (error) {
      say({ refused: told(error) });
      continue;
    }
    say(await compared(loaded, directory));
  }
}
process.exit(0);
