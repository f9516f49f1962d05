import { join } from 'node:path';
import { writeProgram } from './confine.ts';

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** What an npm without a registry knows. */
export interface NpmStandIn {
  /** Folder with the packages that archives depend on. */
  modules: string;
}

/**
 * Programs that user data runs and that would fetch from the Internet, in `bin` of a machine. Nothing else has a stand-in:
 * `curl`, `pip`, `tar` and the rest are this computer's own.
 *
 * - `apt-get`, `dnf`: packages of the distribution. The machine sees this computer's programs, so there is nothing to
 *   install; each call says what it was asked for.
 * - `python3 -m venv` (only with `python`, the folder of an environment): links that environment, in which pip then finds
 *   everything satisfied, instead of an empty one that pip would fill from PyPI.
 * - `npm install --prefix folder what` (only with `npm`): Node becomes a link to this computer's, an archive is unpacked
 *   and finds what it depends on in `modules`. Everything else that npm could be told fails.
 */
export function writeStandIns(bin: string, { python, npm }: { python?: string; npm?: NpmStandIn }): void {
  for (const name of ['apt-get', 'dnf']) writeProgram(join(bin, name), `echo "${name} (stand-in): $*"`);
  if (npm) writeProgram(join(bin, 'npm'), npmScript(npm));
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

const npmScript = ({ modules }: NpmStandIn): string => `set -eu
[ "$1" = install ] || { echo "npm (stand-in): cannot $1" >&2; exit 1; }
shift
prefix= what=
while [ $# -gt 0 ]; do
  case $1 in --prefix) prefix=$2; shift ;; --*) ;; *) what=$1 ;; esac
  shift
done
to=$prefix/node_modules
case $what in
  node-linux-*@*)
    mkdir -p "$to/\${what%@*}/bin"
    ln -sfn ${quote(process.execPath)} "$to/\${what%@*}/bin/node" ;;
  /*.tgz)
    name=$(tar -xzOf "$what" package/package.json | sed -n 's/^  "name": "\\(.*\\)",$/\\1/p')
    mkdir -p "$to/$name"
    tar -xzf "$what" -C "$to/$name" --strip-components=1
    for each in ${quote(modules)}/*; do
      [ -e "$to/$name/node_modules/\${each##*/}" ] || ln -s "$each" "$to/$name/node_modules/"
    done ;;
  *) echo "npm (stand-in): cannot install $what" >&2; exit 1 ;;
esac
echo "npm (stand-in): installed $what"`;
