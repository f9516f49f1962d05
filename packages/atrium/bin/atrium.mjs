#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MINIMUM = [24, 15];
const [major, minor] = process.versions.node.split('.').map(Number);

if (existsSync(fileURLToPath(new URL('../src/main.ts', import.meta.url)))) {
  // A clone: the sources, on the Node that `npm start` may have fetched.
  const lib = (name) => import(new URL(`../../../scripts/lib/${name}.mjs`, import.meta.url).href);
  const { become, commandLine, runScript } = await lib('launch');
  const [{ ensureNode }, { ensurePackages }] = [await lib('node'), await lib('npm')];
  await runScript(async () => {
    const node = await ensureNode();
    await ensurePackages();
    return become(node, commandLine(process.argv.slice(2)));
  });
} else if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) {
  await import(new URL('../dist/main.js', import.meta.url).href);
} else {
  process.stderr.write(`Atrium needs Node ${MINIMUM.join('.')} or newer; this is ${process.versions.node}.\n`);
  process.exitCode = 1;
}
