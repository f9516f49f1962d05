import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupProblem, step } from '../../packages/atrium/setup/report.mjs';
import { isOffline, run } from '../../packages/atrium/setup/run.mjs';
import { readStamp } from '../../packages/atrium/setup/stamp.mjs';
import { root } from './root.mjs';

/** Fetched for running, and for running the tests. */
const RUNTIME_MB = 25;
const ALL_MB = 110;

/** The npm that runs us, else the one on PATH. */
async function npm(args, options = {}) {
  const own = process.env.npm_execpath;
  // A script's own surroundings (npm_package_*, npm_lifecycle_*, a workspace filter) are not for the npm that it runs.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package|lifecycle|config_(local_prefix|workspace))/.test(name),
    ),
  );
  const command = own?.endsWith('.js') ? [process.execPath, own] : ['npm'];
  try {
    return await run(command[0], [...command.slice(1), ...args, '--loglevel=error', '--no-audit', '--no-fund'], {
      cwd: root,
      ...options,
      env,
    });
  } catch (cause) {
    if (cause?.code === 'ENOENT')
      throw new SetupProblem('npm is missing.', 'It comes with Node; on Debian and Ubuntu:  sudo apt install npm');
    throw cause;
  }
}

const problem = (cause, what) => {
  if (cause?.interrupted || cause instanceof SetupProblem) return cause;
  if (isOffline(cause))
    return new SetupProblem(
      `Could not fetch ${what}: the npm registry does not answer.`,
      'Check the network (or npm’s proxy and registry settings) and run the same command again; it goes on from here.',
    );
  return new SetupProblem(
    `Could not fetch ${what}.`,
    (cause.output ?? cause.message).split('\n').slice(-15).join('\n'),
  );
};

/**
 * Whether the packages that the lock file names are installed; `dev` asks for those of the tests too. npm writes down
 * what it installed when it is done, so an install that was cut off, or made for an older lock file, does not pass.
 */
export function packagesAreReady({ dev = false } = {}) {
  const installed = readStamp(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (!installed) return false;
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).every(
    ([path, wanted]) =>
      !path.includes('node_modules/') ||
      wanted.optional || // another platform's
      (wanted.dev && !dev) ||
      (installed[path] !== undefined && installed[path].version === wanted.version),
  );
}

/** Installs what the lock file names, without changing it. Returns at once when it is there. */
export async function ensurePackages({ dev = false } = {}) {
  if (packagesAreReady({ dev })) return;
  // Never takes away what the tests need: npm removes what it is told to omit.
  const all = dev || existsSync(join(root, 'node_modules', 'vitest'));
  const title = `Node packages, about ${all ? ALL_MB : RUNTIME_MB} MB`;
  // Not `npm ci`: npm 11.19's refuses a lock file whose optional packages for other platforms a mirror lacks.
  const args = ['install', '--no-save', '--ignore-scripts', all ? '--include=dev' : '--omit=dev'];
  await step(title, () => npm(args)).catch((cause) => {
    throw problem(cause, 'the Node packages');
  });
}

/** Installs one package into a folder of its own, without saving it anywhere: `dir/node_modules/<name>`. */
export async function fetchPackage(title, dir, spec) {
  const args = ['install', '--prefix', dir, '--no-save', '--no-package-lock', '--ignore-scripts', spec];
  await step(title, () => npm(args, { cwd: dir })).catch((cause) => {
    throw problem(cause, spec);
  });
}
