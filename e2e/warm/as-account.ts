import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Some account that is neither root nor one that servers may have. */
export const SOMEBODY = 64_242;

const CLONE = fileURLToPath(new URL('../..', import.meta.url));
const NODE = dirname(dirname(process.execPath));

/** Clone and Node may lie under a closed home: a mount namespace shows them to the other account elsewhere. */
const AS_ACCOUNT = `mount --bind "$1" "$3/repo" && mount --bind "$2" "$3/node" && account=$4 && dir=$3 && shift 4 &&
  exec setpriv --reuid "$account" --regid "$account" --clear-groups \
    env -u XDG_RUNTIME_DIR -u XDG_DATA_HOME HOME="$dir/home" PATH="$dir/node/bin:$PATH" \
    "$dir/node/bin/node" --conditions=atrium-source "$dir/repo/packages/atrium/src/main.ts" "$@"`;

/** Prepares the folder that a command will run in for that account. */
export function openTo(dir: string, account = SOMEBODY): void {
  for (const name of ['repo', 'node', 'home']) mkdirSync(join(dir, name), { recursive: true });
  for (const path of [dir, join(dir, 'home')]) chownSync(path, account, account);
  chmodSync(join(dir, 'home'), 0o700);
}

/** As a program, in place of the command's own sources: becomes `atrium <arguments>` of that account, in the same process. */
if (import.meta.main) {
  const dir = process.cwd();
  if (!existsSync(join(dir, 'repo'))) throw new Error(`${dir} was not prepared`);
  const shell = ['sh', '-c', AS_ACCOUNT, 'sh', CLONE, NODE, dir, String(SOMEBODY), ...process.argv.slice(2)];
  const unshare = existsSync('/usr/bin/unshare') ? '/usr/bin/unshare' : '/bin/unshare';
  process.execve?.(unshare, ['unshare', '--mount', '--propagation', 'private', ...shell], process.env);
}
