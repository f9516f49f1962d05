import { systemClock } from '@atrium/sdk';
import { askerFor } from '../cli/ask.ts';
import { type Answer, defineCommand, UsageError } from '../cli/command.ts';
import { usefulFirstAdminLink } from '../up/first-admin-link.ts';
import { clusterInput, loadCluster } from './cluster-input.ts';

export const clusterSettings = defineCommand({
  name: 'cluster settings',
  usage: 'atrium cluster settings --cluster <name> [--root <folder>] [--private-ip <address>] [--no-units]',
  summary: 'On the manager: fetch its settings from AWS (run by a timer)',
  details: 'Mounts the hub’s disk, writes /etc/atrium, and restarts what has changed settings.',
  options: {
    cluster: { type: 'string', value: '<name>', summary: 'Name of the cluster' },
    root: { type: 'string', value: '<folder>', summary: 'Write below this folder instead of /' },
    'private-ip': {
      type: 'string',
      value: '<address>',
      summary: 'Address inside the network, and leave disks alone; else as the metadata say',
    },
    'no-units': { type: 'boolean', summary: 'Restart nothing' },
  },
  async run({ values }, terminal): Promise<Answer> {
    if (!values.cluster) throw new UsageError('Which cluster? --cluster <name>');
    const { prepareManager } = await loadCluster();
    const changed = await prepareManager({
      cluster: values.cluster,
      root: values.root ?? process.env.ATRIUM_ROOT ?? '/',
      metadata: process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT,
      firstAdmin: await usefulFirstAdminLink(askerFor(values)),
      units: !values['no-units'],
      clock: systemClock,
      say: (text) => terminal.say(text),
      ...(values['private-ip'] === undefined ? {} : { privateIp: values['private-ip'] }),
    });
    return { json: { changed }, text: changed.length > 0 ? `Changed: ${changed.join(', ')}` : 'Nothing has changed.' };
  },
});

export const clusterSnapshot = defineCommand({
  name: 'cluster snapshot',
  usage: 'atrium cluster snapshot [--now]',
  summary: 'Copy the hub’s disk when a copy is due (run by a timer of the manager)',
  options: { now: { type: 'boolean', summary: 'Whether or not one is due' } },
  async run({ values }, terminal): Promise<Answer> {
    const input = await clusterInput(values, terminal);
    const { openScene, snapshotHubData } = await loadCluster();
    const made = await snapshotHubData(
      await openScene(input),
      values.now ? 'asked for' : 'on schedule',
      values.now ? 0 : undefined,
    );
    return { json: { snapshot: made ?? null }, text: made ? `Made ${made}.` : 'None is due.' };
  },
});
