import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** A package that every notebook server of the environment loads, small and without parts in C. */
const PACKAGE = 'jupyter_server_terminals';

/** A Python environment of a test's own that may be changed: a copy of everything of another one. */
export interface Changeable {
  readonly dir: string;
  /** Where one person's own packages for it are, below their home. */
  readonly userSite: string;
  /** The other environment, which servers must see, too. */
  readonly base: string;
  /** Replaces the package, as an installer does, by one that prints this when it is loaded. */
  upgrade(version: string, says: string): void;
}

/** Makes one in `dir`. People's own packages count in it, as in any that was not made without them. */
export function changeableEnvironment(dir: string, base: string): Changeable {
  execFileSync(join(base, 'bin', 'python'), ['-m', 'venv', '--without-pip', '--system-site-packages', dir]);
  const [python = ''] = readdirSync(join(dir, 'lib')).filter((name) => name.startsWith('python3'));
  const site = join('lib', python, 'site-packages');
  const theirs = join(base, site);
  // Copied, not pointed to: modules for everybody may only come from folders of the environment itself.
  execFileSync('cp', ['-a', '--reflink=auto', `${theirs}/.`, join(dir, site)]);
  for (const name of ['share', 'etc']) symlinkSync(join(base, name), join(dir, name));
  for (const name of ['jupyterhub-singleuser', 'jupyter']) {
    const script = `#!${join(dir, 'bin', 'python')}\n${SCRIPTS[name]}`;
    writeFileSync(join(dir, 'bin', name), script);
    chmodSync(join(dir, 'bin', name), 0o755);
  }
  // As coverage and debuggers do: it runs, and asks to be called at the end, before any program.
  writeFileSync(join(dir, site, 'early.pth'), 'import atexit; atexit.register(lambda: None)\n');
  const info = readdirSync(theirs).find((name) => name.startsWith(PACKAGE) && name.endsWith('.dist-info'));
  if (!info) throw new Error(`${PACKAGE} is not in ${theirs}`);
  let installed = info;
  return {
    dir,
    base,
    userSite: join('.local', site),
    upgrade(version, says) {
      rmSync(join(dir, site, PACKAGE), { recursive: true });
      cpSync(join(theirs, PACKAGE), join(dir, site, PACKAGE), { recursive: true });
      announce(join(dir, site, PACKAGE, '__init__.py'), says);
      const next = `${PACKAGE}-${version}.dist-info`;
      renameSync(join(dir, site, installed), join(dir, site, next));
      installed = next;
    },
  };
}

const script = (module: string, call: string) =>
  `import sys\nfrom ${module} import ${call}\nif __name__ == '__main__':\n    sys.exit(${call}())\n`;
const SCRIPTS: Record<string, string> = {
  'jupyterhub-singleuser': script('jupyterhub.singleuser', 'main'),
  jupyter: script('jupyter_core.command', 'main'),
};

/** Puts a package of the environment's into somebody's own packages, with a word of its own. */
export function shadowFor(
  home: string,
  { base, userSite }: Changeable,
  owner: { uid: number; gid: number },
  says: string,
) {
  const target = join(home, userSite, PACKAGE);
  mkdirSync(join(home, userSite), { recursive: true });
  cpSync(join(base, userSite.replace(/^\.local./, ''), PACKAGE), target, { recursive: true });
  announce(join(target, '__init__.py'), says);
  execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, join(home, '.local')]);
  return () => rmSync(target, { recursive: true });
}

const announce = (file: string, says: string) =>
  appendFileSync(file, `\nimport sys as _sys\nprint(${JSON.stringify(says)}, file=_sys.stderr, flush=True)\n`);
