import { stringify } from 'yaml';
import type { ClusterConfig } from '../config.ts';
import { fetchArchive, INSTALLERS, installNode, NODE_VERSION } from './install.ts';

export interface Recipe {
  packages: readonly string[];
  python: readonly string[];
  source: ClusterConfig['source'];
}

/** The notebook stack that every machine has; versions are the newest of these lines when the image is made. */
const STACK = ['jupyterhub>=6.1,<7', 'jupyterlab>=4.6,<5', 'notebook>=7.4,<8', 'ipykernel'];

const ARCHIVE = '/tmp/atrium.tgz';
const UNPACKED = '/tmp/atrium';

/**
 * User data of the machine that an image is made from. It installs everything, removes what must not be shared, and
 * switches itself off; only when all of it worked. Agent and units come out of the program's archive, so they are of the
 * version that `source` names, whichever one made this text. Holds no secret.
 */
export function imageRecipe({ packages, python, source }: Recipe): string {
  const script = [
    '#!/bin/bash',
    'set -euo pipefail',
    'say() { echo "atrium-image: $1" | tee /dev/console || true; }',
    'say "system packages"',
    'export DEBIAN_FRONTEND=noninteractive',
    'apt-get update -q',
    `apt-get install -yq --no-install-recommends ${[...INSTALLERS, 'python3-venv', 'e2fsprogs', 'xfsprogs', ...packages].join(' ')}`,
    `say "Node ${NODE_VERSION}"`,
    ...installNode('/opt/atrium'),
    'say "the agent and the notebook stack"',
    ...fetchArchive(source, ARCHIVE),
    `mkdir -p ${UNPACKED}`,
    `tar -xzf ${ARCHIVE} -C ${UNPACKED} --strip-components=1`,
    `sh ${UNPACKED}/node_modules/@atrium/agent/units/image.sh ${[...STACK, ...python].map((each) => `'${each}'`).join(' ')}`,
    'say "cleaning up"',
    'apt-get clean',
    `rm -rf /root/.npm /root/.cache /var/lib/apt/lists/* ${ARCHIVE} ${UNPACKED}`,
    // Of the builder, not of its copies: host keys, the machine id, the log of this first boot.
    'rm -f /etc/ssh/ssh_host_* && truncate -s 0 /etc/machine-id',
    'cloud-init clean --logs',
    'mkdir -p /var/lib/atrium-image && touch /var/lib/atrium-image/ready',
    'say "ready"',
    '',
  ].join('\n');
  return cloudConfig({
    write_files: [{ path: '/usr/local/sbin/atrium-image.sh', permissions: '0755', content: script }],
    runcmd: [['/usr/local/sbin/atrium-image.sh']],
    power_state: { mode: 'poweroff', timeout: 30, condition: 'test -e /var/lib/atrium-image/ready' },
  });
}

export const cloudConfig = (value: object): string => `#cloud-config\n${stringify(value, { lineWidth: 0 })}`;
