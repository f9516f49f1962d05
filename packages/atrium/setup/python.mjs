import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPython } from './find-python.mjs';
import { SetupProblem, step } from './report.mjs';
import { CommandFailed, isOffline, run } from './run.mjs';
import { clearStamp, fileHash, readStamp, writeStamp } from './stamp.mjs';

/** The pinned packages of people's servers. */
export const REQUIREMENTS = fileURLToPath(new URL('../python/requirements.txt', import.meta.url));

/** Megabytes that the pinned wheels weigh, and take once installed. */
const DOWNLOAD_MB = 85;
const DISK_MB = 400;
// Everybody's servers run from this environment, whatever the umask of who makes it.
const UMASK = 0o022;

const stampOf = (dir) => join(dir, '.atrium-complete.json');

/** Whether `dir` holds the environment that the pins describe. Reads two small files; runs nothing. */
export function pythonIsReady(dir, requirements = REQUIREMENTS) {
  return existsSync(join(dir, 'bin', 'python')) && readStamp(stampOf(dir))?.requirements === fileHash(requirements);
}

/**
 * Makes the Python environment that people's servers run from, or returns at once when it is there.
 * Safe to cut off at any point: what was fetched is kept, what was half installed is made again.
 *
 * @param {object} options
 * @param {string} options.dir where the environment goes; it cannot be moved afterwards
 * @param {string} options.wheels a folder that keeps what was fetched
 * @param {string} [options.requirements] a file of pins with hashes
 * @returns {Promise<{ dir: string, made: boolean }>}
 * @throws {SetupProblem} no usable Python, no network, no space: with what to do
 */
export async function ensurePython({ dir, wheels, requirements = REQUIREMENTS, title = 'Python environment' }) {
  if (pythonIsReady(dir, requirements)) return { dir, made: false };
  const base = await findPython();
  const version = base.version.join('.');
  const fetched = join(wheels, `.fetched-${version}-${fileHash(requirements).slice(0, 16)}.json`);
  const python = join(dir, 'bin', 'python');
  mkdirSync(wheels, { recursive: true });
  const explain = (doing) => (cause) => {
    throw cause?.interrupted ? cause : problem(cause, doing, dir);
  };

  clearStamp(stampOf(dir));
  await step(`${title}: Python ${version} in ${dir}`, () =>
    run(base.executable, ['-m', 'venv', '--clear', dir], { umask: UMASK }),
  ).catch(explain('make the Python environment'));

  const pip = (args, options) => run(python, ['-m', 'pip', '--disable-pip-version-check', ...args], options);
  const pins = ['--no-deps', '--only-binary', ':all:', '--require-hashes', '-r', requirements];
  if (!readStamp(fetched)) {
    const kept = readdirSync(wheels).some((name) => name.endsWith('.whl')) ? ', less what is here' : '';
    await step(`${title}: fetching JupyterLab and its packages, about ${DOWNLOAD_MB} MB${kept}`, (detail) =>
      pip(['download', '--no-cache-dir', '--progress-bar', 'off', '--dest', wheels, ...pins], {
        onLine: countMegabytes(detail),
      }),
    ).catch(explain('fetch the Python packages'));
    writeStamp(fetched, { requirements });
  }
  const install = () =>
    step(`${title}: installing, about ${DISK_MB} MB`, async (detail) => {
      // pip compiles one file after the other; compileall takes all cores and a third of the time.
      await pip(['install', '--no-compile', '--no-index', '--find-links', wheels, ...pins], { umask: UMASK });
      detail('compiling');
      await run(python, ['-m', 'compileall', '-q', '-j', '0', join(dir, 'lib')], { umask: UMASK }).catch((cause) => {
        if (cause?.interrupted) throw cause; // a package's file for another Python does not compile: no harm
      });
    });
  await install().catch((cause) => {
    if (!cause?.interrupted) clearStamp(fetched); // a wheel may be gone or damaged: fetch again next time
    explain('install the Python packages')(cause);
  });

  writeStamp(stampOf(dir), { requirements: fileHash(requirements), python: version });
  return { dir, made: true };
}

/** pip names each file's size as it begins it, and those that it has already. */
function countMegabytes(detail) {
  let total = 0;
  return (line) => {
    const [, amount, unit] = /^\s+Downloading .* \(([\d.]+) ([kM])B\)/.exec(line) ?? [];
    if (!amount) return;
    total += Number(amount) / (unit === 'k' ? 1000 : 1);
    detail(`${Math.round(total)} MB`);
  };
}

function problem(cause, doing, dir) {
  if (!(cause instanceof CommandFailed)) return cause;
  if (/No space left on device|ENOSPC/.test(cause.output))
    return new SetupProblem(`Could not ${doing}: the disk is full (${dir}).`, `It takes about ${DISK_MB} MB.`);
  if (isOffline(cause))
    return new SetupProblem(
      `Could not ${doing}: the package index does not answer.`,
      'Check the network (or pip’s proxy and index settings) and run the same command again; it goes on from here.',
    );
  const said = cause.output.split('\n').filter((line) => !line.startsWith('Ignoring '));
  return new SetupProblem(`Could not ${doing}.`, said.slice(-15).join('\n'));
}
