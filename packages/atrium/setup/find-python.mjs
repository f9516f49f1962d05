import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { SetupProblem } from './report.mjs';
import { run } from './run.mjs';

const MINIMUM = [3, 10];
/** What the pinned packages are known to have wheels for; a newer Python is the last resort. */
const NEWEST_KNOWN = [3, 14];
const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];

// Asked of the interpreter itself: a version manager's shim has the name of a Python that may not be installed, and
// Debian's python3 comes without the part of venv that makes pip.
const QUESTION = `import json, sys
answer = {"version": sys.version_info[:2], "executable": sys.executable, "missing": []}
for name in ("venv", "ensurepip"):
    try: __import__(name)
    except ImportError: answer["missing"].append(name)
print(json.dumps(answer))`;

const compare = (a, b) => a[0] - b[0] || a[1] - b[1];

const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

/** Whether every account of the machine can run it: a Python under /root is of no use to people's servers. */
export function readableByAll(path) {
  for (let at = realpathSync(path); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/**
 * The machine's best Python: 3.10 or newer, with venv and pip's installer. As root one that other accounts can run
 * comes first.
 * @throws {SetupProblem} with what to type on this kind of machine
 */
export async function findPython(path = process.env.PATH ?? '') {
  const rejected = [];
  let lastResort;
  for (const name of NAMES) {
    for (const dir of path.split(delimiter).filter(Boolean)) {
      const file = join(dir, name);
      if (!isExecutable(file)) continue;
      const python = await ask(file);
      if (!python) continue;
      if (compare(python.version, MINIMUM) < 0 || python.missing.length > 0) rejected.push(python);
      else if (compare(python.version, NEWEST_KNOWN) > 0) lastResort ??= python;
      else if (process.getuid?.() === 0 && !readableByAll(python.executable)) lastResort = lastResort ?? python;
      else return python;
    }
  }
  if (lastResort) return lastResort;
  throw new SetupProblem(whatIsMissing(rejected), remedy(rejected));
}

async function ask(file) {
  try {
    const { version, executable, missing } = JSON.parse(await run(file, ['-c', QUESTION]));
    return { file, version, executable: executable || file, missing };
  } catch (cause) {
    if (cause?.interrupted) throw cause;
    return undefined; // a shim without a Python behind it
  }
}

function whatIsMissing(rejected) {
  const incomplete = rejected.find((python) => compare(python.version, MINIMUM) >= 0);
  if (incomplete)
    return `Python ${incomplete.version.join('.')} is here (${incomplete.file}), but its venv module is not.`;
  const old = rejected[0];
  if (old)
    return `Python ${old.version.join('.')} is here (${old.file}), but people's servers need Python 3.10 or newer.`;
  return "Python is missing. People's servers need Python 3.10 or newer.";
}

function remedy(rejected) {
  const incomplete = rejected.find((python) => compare(python.version, MINIMUM) >= 0);
  if (process.platform === 'darwin') return 'Install it with:  brew install python@3.13';
  const debian = incomplete ? `python${incomplete.version.join('.')}-venv` : 'python3 python3-venv';
  return [
    'Install it with:',
    `  Debian, Ubuntu:  sudo apt install ${debian}`,
    '  Fedora:          sudo dnf install python3',
    'and run the same command again; it goes on from here.',
  ].join('\n');
}
