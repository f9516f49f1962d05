import { appendFileSync, chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { WrittenFile } from './parse.ts';

/**
 * Writes files below a folder that stands for `/`. Owners are looked up in the folder's own `/etc/passwd`, then in ours,
 * and set when we may; `note` is told what could not be done.
 */
export function writeFiles(root: string, files: readonly WrittenFile[], note: (text: string) => void): void {
  const inOrder = [...files.filter(({ defer }) => !defer), ...files.filter(({ defer }) => defer)];
  for (const { path, content, mode, owner, append } of inOrder) {
    const at = join(root, path);
    mkdirSync(dirname(at), { recursive: true });
    if (append) appendFileSync(at, content);
    else writeFileSync(at, content);
    chmodSync(at, mode);
    if (owner === undefined || process.getuid?.() !== 0) continue;
    const [user = '', group = user] = owner.split(':');
    const uid = idOf(root, 'passwd', user);
    const gid = idOf(root, 'group', group);
    if (uid === undefined || gid === undefined) note(`cloud-init: ${path} keeps its owner: no ${owner} here`);
    else chownSync(at, uid, gid);
  }
}

function idOf(root: string, file: 'passwd' | 'group', name: string): number | undefined {
  for (const path of [join(root, 'etc', file), join('/etc', file)]) {
    try {
      const line = readFileSync(path, 'utf8')
        .split('\n')
        .find((entry) => entry.startsWith(`${name}:`));
      if (line) return Number(line.split(':')[2]);
    } catch {
      // No such file there; the next place may know.
    }
  }
  return undefined;
}
