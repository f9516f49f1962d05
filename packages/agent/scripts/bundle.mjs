import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** `npm run bundle -w @atrium/agent`: the whole agent in one file that needs Node and nothing else. */
const root = dirname(dirname(fileURLToPath(import.meta.url)));

export async function bundleAgent(file = join(root, 'dist', 'atrium-agent.mjs')) {
  await mkdir(dirname(file), { recursive: true });
  const bundle = await rolldown({
    input: join(root, 'src', 'main.ts'),
    platform: 'node',
    resolve: { conditionNames: ['atrium-source', 'node', 'import'] },
    // Nothing of ours does anything when it is merely imported, so what is not used is left out.
    treeshake: { moduleSideEffects: (id) => id.endsWith('/src/main.ts') },
    onLog(level, log, handler) {
      if (level === 'warn') throw new Error(log.message);
      handler(level, log);
    },
  });
  try {
    await bundle.write({
      file,
      format: 'esm',
      banner: '#!/usr/bin/env node',
      minify: { compress: true, mangle: false, codegen: false },
      codeSplitting: false,
    });
  } finally {
    await bundle.close();
  }
  await chmod(file, 0o755);
  return { file, bytes: (await stat(file)).size };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { file, bytes } = await bundleAgent();
  process.stdout.write(`${file} (${Math.round(bytes / 1024)} KiB)\n`);
}
