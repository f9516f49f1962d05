import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupProblem } from '../packages/atrium/setup/report.mjs';
import { run } from '../packages/atrium/setup/run.mjs';
import { runScript } from './lib/launch.mjs';
import { root } from './lib/root.mjs';

/** `npm run pins`: pins every Python package anew from the `.in` files, with hashes, for each platform and Python ≥ 3.10. */
await runScript(async () => {
  const dir = join(root, 'packages', 'atrium', 'python');
  for (const source of readdirSync(dir).filter((name) => name.endsWith('.in'))) {
    const target = join(dir, source.replace(/\.in$/, '.txt'));
    const options = ['--universal', '--generate-hashes', '--python-version', '3.10', '--upgrade'];
    // Where the packages came from is the business of whoever installs them.
    const anonymous = ['--no-header', '--no-annotate', '--no-emit-index-url', '--no-emit-find-links'];
    await run('uv', ['pip', 'compile', '--quiet', ...options, ...anonymous, '-o', target, join(dir, source)]).catch(
      (cause) => {
        throw cause?.code === 'ENOENT'
          ? new SetupProblem('uv is missing.', 'Install it with:  pipx install uv')
          : cause;
      },
    );
    const pins = readFileSync(target, 'utf8');
    writeFileSync(target, `# From ${source}, by npm run pins. Do not edit.\n${pins.replace(/^#.*\n/gm, '')}`);
  }
});
