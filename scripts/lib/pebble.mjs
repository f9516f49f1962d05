import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { step } from '../../packages/atrium/setup/report.mjs';
import { CommandFailed, run } from '../../packages/atrium/setup/run.mjs';
import { clearStamp, fileHash, readStamp, writeStamp } from '../../packages/atrium/setup/stamp.mjs';
import { cacheDir, root } from './root.mjs';

/** Which Pebble, and every module it is built from, by hash: `go.mod` and `go.sum`. Which Go, by hash too: `go.txt`. */
const sources = join(root, 'tools', 'pebble');
const GO_PINS = join(sources, 'go.txt');
const dir = join(cacheDir, 'pebble');
const stamp = `${dir}.json`;

const pins = () => [GO_PINS, join(sources, 'go.mod'), join(sources, 'go.sum')].map(fileHash).join(' ');

/** The folder with `pebble` and `pebble-challtestsrv`; undefined when it is not complete. */
export function findPebble() {
  return readStamp(stamp)?.pins === pins() ? dir : undefined;
}

/**
 * Builds Pebble, once; undefined when that cannot be done here. Debian 12's Go is too old, so Go comes the way Python packages
 * come. `python` is the folder of an environment with pip.
 */
export async function ensurePebble(python) {
  const found = findPebble();
  if (found) return found;
  clearStamp(stamp);
  const build = join(cacheDir, 'pebble-build');
  const packages = join(build, 'packages');
  for (const old of [dir, build]) rmSync(old, { recursive: true, force: true });
  mkdirSync(build, { recursive: true });
  const pip = ['-m', 'pip', '--disable-pip-version-check', 'install', '-q', '--target', packages];
  try {
    await step('Go, to build Pebble, about 70 MB', () =>
      run(join(python, 'bin', 'python'), [
        ...pip,
        '--no-deps',
        '--only-binary',
        ':all:',
        '--require-hashes',
        '-r',
        GO_PINS,
      ]),
    );
    const env = {
      ...process.env,
      GOPATH: join(build, 'path'),
      GOCACHE: join(build, 'cache'),
      GOTOOLCHAIN: 'local',
      GOFLAGS: '-mod=readonly -modcacherw -trimpath -buildvcs=false',
      CGO_ENABLED: '0',
    };
    await step('Pebble, an ACME authority for the tests', () =>
      run(join(packages, 'go', 'bin', 'go'), ['build', '-C', sources, '-ldflags=-s -w', '-o', `${dir}/`, 'tool'], {
        env,
      }),
    );
  } catch (cause) {
    if (!(cause instanceof CommandFailed) || cause.interrupted) throw cause;
    process.stderr.write(`${cause.message.split('\n').slice(-5).join('\n')}\n`);
    return undefined;
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
  writeStamp(stamp, { pins: pins() });
  return dir;
}
