/** Builds the single file that the server serves: src/index.js, bundled and minified, without dependencies. */

import { build } from "esbuild";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { minify } from "terser";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
export const TARGET = here("../src/sojourn/web/static/sojourn.js");

/** The text of the built module. */
export async function bundle() {
  const { outputFiles } = await build({
    entryPoints: [here("src/index.js")],
    bundle: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    write: false,
  });
  const { code } = await minify(outputFiles[0].text, {
    module: true,
    ecma: 2020,
    compress: { passes: 3, unsafe_arrows: true, pure_getters: true, inline: 1 },
    format: { comments: false },
  });
  return code + "\n";
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(TARGET, await bundle());
