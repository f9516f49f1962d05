import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { bundleAgent } from '../../packages/agent/scripts/bundle.mjs';
import { CommandFailed, run } from '../../packages/atrium/setup/run.mjs';
import { ensureAdminPage } from './admin-page.mjs';
import { root } from './root.mjs';

/** Packages that nothing imports, but that the packed program must carry: workers are made from it. */
const CARRIED = ['@atrium/agent'];
/** Of sources, what only tests use. */
const FOR_TESTS = ['**/*.test.ts', '**/test-*.ts', '**/testing/**'];
/** Of a package's folder, what is not for whoever installs it. */
const LEFT_OUT = new Set(['src', 'dist', 'node_modules', 'scripts', 'package.json', 'requirements.in']);
const isLeftOut = (name) => LEFT_OUT.has(name) || /\.d\.mts$|\.test\.|^requirements-|^\./.test(name);

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const writeJson = (file, value) => writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
const isOurs = (name) => name.startsWith('@atrium/');

/**
 * Packs the command `atrium` as one npm package: compiled, with our other packages inside it and everybody else's as
 * ordinary dependencies. The same sources make the same bytes.
 *
 * @param {string} into folder of the archive
 * @returns {Promise<{ file: string, bytes: number, sha256: string }>}
 */
export function packAtrium(into) {
  const prepare = () => Promise.all([bundleAgent(), ensureAdminPage(root)]);
  return packProgram(into, 'atrium', CARRIED, prepare);
}

/**
 * Packs the stand-alone proxy, the command `atrium-proxy`, in the same way.
 *
 * @param {string} into folder of the archive
 * @returns {Promise<{ file: string, bytes: number, sha256: string }>}
 */
export function packProxy(into) {
  return packProgram(into, 'proxy', [], async () => undefined);
}

async function packProgram(into, folder, carried, prepare) {
  mkdirSync(into, { recursive: true });
  const work = mkdtempSync(join(into, '.pack-'));
  try {
    const dir = join(root, 'packages', folder);
    const main = { dir, ...readJson(join(dir, 'package.json')) };
    const packages = [main, ...neededBy(main, carried)];
    await Promise.all([compile(packages, work), prepare()]);
    const stage = join(work, 'package');
    for (const one of packages) stagePackage(one, work, placeOf(one, main, stage), one === main);
    copyFileSync(join(root, 'LICENSE'), join(stage, 'LICENSE'));
    writeManifest(main, packages, stage);
    return await archive(stage, into);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Our packages that `main` cannot do without, each once. */
function neededBy(main, carried) {
  const known = new Map();
  for (const folder of ['packages', 'plugins'])
    for (const name of readdirSync(join(root, folder))) {
      const dir = join(root, folder, name);
      if (existsSync(join(dir, 'package.json'))) {
        const manifest = readJson(join(dir, 'package.json'));
        known.set(manifest.name, { dir, ...manifest });
      }
    }
  const found = new Map();
  const queue = [...Object.keys(main.dependencies), ...carried].filter(isOurs);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (found.has(name)) continue;
    const one = known.get(name);
    found.set(name, one);
    queue.push(...Object.keys(one.dependencies ?? {}).filter(isOurs));
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** JavaScript of all sources but the tests'. */
async function compile(packages, work) {
  writeJson(join(work, 'tsconfig.json'), {
    extends: relative(work, join(root, 'tsconfig.json')),
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      types: [],
      target: 'esnext',
      rootDir: root,
      outDir: join(work, 'js'),
    },
    include: packages.map(({ dir }) => relative(work, join(dir, 'src'))),
    exclude: FOR_TESTS.map((pattern) => join(root, pattern)),
  });
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await run(process.execPath, [tsc, '-p', join(work, 'tsconfig.json')], { cwd: root });
}

const placeOf = (one, main, stage) => (one === main ? stage : join(stage, 'node_modules', one.name));

function stagePackage({ dir }, work, to, isMain) {
  mkdirSync(to, { recursive: true });
  const filter = (from) => !isLeftOut(basename(from)) || from === dir;
  for (const entry of readdirSync(dir))
    if (!isLeftOut(entry)) cpSync(join(dir, entry), join(to, entry), { recursive: true, filter });
  cpSync(join(work, 'js', relative(root, dir), 'src'), join(to, 'dist'), { recursive: true });
  if (isMain) return;
  // npm would take what a bundled package needs for bundled, too, and install nothing of it.
  const { dependencies: _, devDependencies: __, scripts: ___, ...manifest } = readJson(join(dir, 'package.json'));
  const exports = Object.entries(manifest.exports)
    .map(([door, at]) => [door, at.default ?? at])
    .filter(([, at]) => existsSync(join(to, at)) || at.endsWith('.mjs'));
  writeJson(join(to, 'package.json'), { ...manifest, exports: Object.fromEntries(exports) });
  const bundle = join(dir, 'dist', 'atrium-agent.mjs');
  if (existsSync(bundle)) {
    copyFileSync(bundle, join(to, 'dist', 'atrium-agent.mjs'));
    chmodSync(join(to, 'dist', 'atrium-agent.mjs'), 0o755);
  }
}

/** All dependencies of others are the outer package's: npm installs them beside it, for our packages in it too. */
function writeManifest(main, packages, stage) {
  const dependencies = {};
  const ours = packages.filter((one) => one !== main);
  for (const { dependencies: wanted = {} } of packages) Object.assign(dependencies, wanted);
  for (const { name, version } of ours) dependencies[name] = version;
  const { dir, files: _, devDependencies: __, ...manifest } = main;
  writeJson(join(stage, 'package.json'), {
    ...manifest,
    exports: { '.': './dist/index.js' },
    dependencies: Object.fromEntries(Object.entries(dependencies).sort(([a], [b]) => a.localeCompare(b))),
    bundleDependencies: ours.map(({ name }) => name),
  });
}

async function archive(stage, into) {
  const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', dirname(stage)];
  const said = await run('npm', args, { cwd: stage }).catch((cause) => {
    if (cause instanceof CommandFailed || cause?.code !== 'ENOENT') throw cause;
    throw new Error('npm is missing. It comes with Node.');
  });
  const name = /"filename":\s*"([^"]+)"/.exec(said)?.[1];
  const made = join(dirname(stage), name ?? '');
  const bytes = readFileSync(made);
  const file = join(into, basename(made));
  renameSync(made, file);
  return { file, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
