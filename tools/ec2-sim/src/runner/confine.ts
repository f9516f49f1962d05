import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders that a machine does not share with this computer. */
const OWN = ['run', 'tmp', 'root', 'home', 'mnt', 'srv'];

/** What the programs of a machine are made of, wherever it lies: this repository, and the Node that runs us. */
const SHARED = [fileURLToPath(new URL('../../../..', import.meta.url)), dirname(process.execPath)]
  .map((path) => path.replace(/\/$/, ''))
  .filter((path) => OWN.includes(path.split(sep)[1] ?? ''));

/**
 * Commands of user data run as root and write where they like, so they must not meet this computer's own files: they see
 * its root folder below the machine's, as an overlay, and what they write, move or remove is on the machine's disk only.
 */
const ENTER = `set -e
root=$1 work=$2 control=$3; shift 3
umask 022
mkdir -p "$work/upper-work" "$work/view"
view=$work/view
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$root,workdir=$work/upper-work" "$view"
for dir in ${OWN.join(' ')}; do mkdir -p "$view/$dir"; mount --bind "$root/$dir" "$view/$dir"; done
mkdir -p "$view$control"; mount --bind "$control" "$view$control"
for dir in ${SHARED.map((path) => `'${path.replaceAll("'", `'\\''`)}'`).join(' ')}; do
  mkdir -p "$view$dir"; mount --bind -o ro "$dir" "$view$dir"
done
mount --rbind /proc "$view/proc"
mount --rbind /dev "$view/dev"
mount --rbind /sys "$view/sys" 2>/dev/null || :
cd /
exec chroot "$view" "$@"
`;

let able: boolean | undefined;

/** Whether this computer lets us make such a view: Linux, root, and a kernel that has overlays. */
export function canConfine(scratch: string): boolean {
  if (able !== undefined) return able;
  const [root, work, control] = ['root', 'work', 'control'].map((name) => join(scratch, name)) as [
    string,
    string,
    string,
  ];
  prepare(root, control);
  const [file = '', ...args] = confined(['true'], { root, work, control });
  able = process.platform === 'linux' && spawnSync(file, args, { timeout: 20_000 }).status === 0;
  return able;
}

/** Folders on the machine's disk that the view needs. */
export function prepare(root: string, control: string): void {
  for (const dir of [...OWN.map((name) => join(root, name)), control]) mkdirSync(dir, { recursive: true });
}

export interface Confinement {
  /** The machine's root disk. */
  root: string;
  /** Scratch on the same file system, outside of it. */
  work: string;
  /** Folder of the socket through which the machine is switched off. */
  control: string;
}

/** The command that runs `argv` with the machine's disk as `/`. */
export function confined(argv: readonly string[], { root, work, control }: Confinement): string[] {
  return ['unshare', '--mount', 'sh', '-c', ENTER, 'enter', root, work, control, ...argv];
}

/** Puts a shell script into a machine as a program. */
export function writeProgram(file: string, body: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
}
