import { join } from 'node:path';
import { writeProgram } from './confine.ts';

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * Programs that user data runs and that would fetch from the Internet, in `bin` of a machine. Nothing else has a stand-in:
 * `curl`, `pip`, `npm`, `tar` and the rest are this computer's own.
 *
 * - `apt-get`, `dnf`: packages of the distribution. The machine sees this computer's programs, so there is nothing to
 *   install; each call says what it was asked for.
 * - `python3 -m venv` (only with `python`, the folder of an environment): links that environment, in which pip then finds
 *   everything satisfied, instead of an empty one that pip would fill from PyPI.
 */
export function writeStandIns(bin: string, python: string | undefined): void {
  for (const name of ['apt-get', 'dnf']) writeProgram(join(bin, name), `echo "${name} (stand-in): $*"`);
  if (python === undefined) return;
  writeProgram(
    join(bin, 'python3'),
    `if [ "\${1:-} \${2:-}" = '-m venv' ]; then
  mkdir -p "$(dirname "$3")"
  exec ln -sfn ${quote(python)} "$3"
fi
exec ${quote(join(python, 'bin', 'python'))} "$@"`,
  );
}
