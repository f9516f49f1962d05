import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupProblem, step } from '../../packages/atrium/setup/report.mjs';
import { run } from '../../packages/atrium/setup/run.mjs';
import { clearStamp, readStamp, writeStamp } from '../../packages/atrium/setup/stamp.mjs';

/** Beside what is not built: gone when its sources are, and never packed. */
const stampOf = (clone) => join(clone, 'packages', 'admin', 'dist', 'built.json');

/** What the built page depends on, as one hash: its sources, their settings, and the libraries' versions. */
export function adminSources(clone) {
  const dir = join(clone, 'packages', 'admin');
  const files = readdirSync(join(dir, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash('sha256');
  for (const file of [...files.sort(), join(dir, 'package.json'), join(dir, 'vite.config.ts')])
    hash.update(file.slice(clone.length)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/** Whether the administrators' page of this clone is built from its sources of now. */
export function adminPageIsReady(clone) {
  return (
    existsSync(join(clone, 'packages', 'hub', 'static', 'admin', 'admin.js')) &&
    readStamp(stampOf(clone))?.sources === adminSources(clone)
  );
}

/** Builds the administrators' page into the hub's static files. Returns at once when nothing changed. */
export async function ensureAdminPage(clone, node = process.execPath) {
  if (adminPageIsReady(clone)) return;
  const sources = adminSources(clone);
  clearStamp(stampOf(clone));
  const vite = join(clone, 'node_modules', 'vite', 'bin', 'vite.js');
  const env = { ...process.env, NODE_ENV: 'production' };
  await step('Administration page, from its sources', () =>
    run(node, [vite, 'build', join(clone, 'packages', 'admin')], { cwd: clone, env }),
  ).catch((cause) => {
    if (cause?.interrupted || cause?.output === undefined) throw cause;
    throw new SetupProblem('Could not build the administration page.', cause.output);
  });
  writeStamp(stampOf(clone), { sources });
}
