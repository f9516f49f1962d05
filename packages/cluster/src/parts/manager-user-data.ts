import type { Scene } from '../engine/part.ts';
import { cloudConfig } from './image-recipe.ts';
import { fetchArchive, INSTALLERS, installArchive, installNode, NODE_VERSION } from './install.ts';

const AT = '/opt/atrium';
const ARCHIVE = '/opt/atrium.tgz';

/**
 * User data of the manager: where the software comes from, and how it is run. No secret: those come from encrypted
 * parameters that only the manager's role may read. The same text for the same configuration.
 */
export function managerUserData({ config, region }: Pick<Scene, 'config' | 'region'>): string {
  const atrium = `/usr/local/bin/node ${AT}/node_modules/atrium/bin/atrium.mjs`;
  const setup = [
    '#!/bin/bash',
    '# Runs at the first boot; each step may be repeated.',
    'set -euo pipefail',
    'say() { echo "atrium-manager: $1" | tee /dev/console || true; }',
    'export DEBIAN_FRONTEND=noninteractive HOME=/root',
    'say "system packages"',
    'apt-get update -q',
    `apt-get install -yq --no-install-recommends ${[...INSTALLERS, 'nginx-light', 'openssl', 'xfsprogs'].join(' ')}`,
    `say "Node ${NODE_VERSION} and Atrium"`,
    ...installNode(AT),
    ...fetchArchive(config.source, ARCHIVE),
    ...installArchive(ARCHIVE, AT),
    'say "the disk of the hub, and its settings"',
    'systemctl daemon-reload',
    'systemctl disable --now nginx || true',
    'systemctl enable --now atrium-settings.timer atrium-snapshot.timer atrium.service atrium-front.service',
    'say "done"',
    '',
  ].join('\n');
  const environment = [`Environment=AWS_REGION=${region}`, 'Environment=HOME=/root'];
  const unit = (...lines: string[]) => `${lines.join('\n')}\n`;
  const settings = `${atrium} cluster settings --cluster ${config.name} --data-dir /var/lib/atrium`;
  return cloudConfig({
    write_files: [
      { path: '/usr/local/sbin/atrium-manager.sh', permissions: '0755', content: setup },
      {
        path: '/etc/systemd/system/atrium-settings.service',
        content: unit(
          '[Unit]',
          'Description=Atrium: settings of the cluster, and the disk of the hub',
          'After=network-online.target',
          'Wants=network-online.target',
          '[Service]',
          'Type=oneshot',
          ...environment,
          `ExecStart=${settings}`,
          'TimeoutStartSec=900',
        ),
      },
      {
        path: '/etc/systemd/system/atrium-settings.timer',
        content: unit(
          '[Unit]',
          'Description=Atrium: looks for changed settings',
          '[Timer]',
          'OnBootSec=60',
          'OnUnitActiveSec=60',
          '[Install]',
          'WantedBy=timers.target',
        ),
      },
      {
        path: '/etc/systemd/system/atrium-snapshot.service',
        content: unit(
          '[Unit]',
          "Description=Atrium: copy of the hub's disk",
          '[Service]',
          'Type=oneshot',
          ...environment,
          `ExecStart=${atrium} cluster snapshot --config /etc/atrium/atrium.config.ts`,
        ),
      },
      {
        path: '/etc/systemd/system/atrium-snapshot.timer',
        content: unit(
          '[Unit]',
          "Description=Atrium: copies of the hub's disk",
          '[Timer]',
          'OnBootSec=900',
          'OnUnitActiveSec=900',
          '[Install]',
          'WantedBy=timers.target',
        ),
      },
      {
        path: '/etc/systemd/system/atrium.service',
        content: unit(
          '[Unit]',
          'Description=Atrium: hub and proxy',
          'After=network-online.target atrium-settings.service',
          'Wants=network-online.target',
          'Requires=atrium-settings.service',
          'RequiresMountsFor=/var/lib/atrium',
          '[Service]',
          ...environment,
          'Environment=ATRIUM_CLUSTER_FACTS=/etc/atrium/cluster.json',
          'EnvironmentFile=-/etc/atrium/secrets.env',
          `ExecStart=${atrium} up --config /etc/atrium/atrium.config.ts --data-dir /var/lib/atrium --host 127.0.0.1 --port 8000`,
          'ExecReload=/bin/kill -HUP $MAINPID',
          'KillMode=process',
          'Restart=always',
          'RestartSec=2',
          'Delegate=yes',
          '[Install]',
          'WantedBy=multi-user.target',
        ),
      },
      {
        path: '/etc/systemd/system/atrium-front.service',
        content: unit(
          '[Unit]',
          'Description=Atrium: TLS before the proxy',
          'After=atrium-settings.service',
          'Requires=atrium-settings.service',
          '[Service]',
          "ExecStart=/usr/sbin/nginx -g 'daemon off;' -c /etc/atrium/nginx.conf",
          'ExecReload=/bin/kill -HUP $MAINPID',
          'Restart=always',
          'RestartSec=2',
          '[Install]',
          'WantedBy=multi-user.target',
        ),
      },
    ],
    runcmd: [['/usr/local/sbin/atrium-manager.sh']],
  });
}
