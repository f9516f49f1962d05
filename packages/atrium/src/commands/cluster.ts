import { askerFor } from '../cli/ask.ts';
import { type Answer, CommandError, defineCommand, UsageError } from '../cli/command.ts';
import { confirm } from '../cli/confirm.ts';
import { passwordFromInput } from '../cli/password.ts';
import { clusterInput, loadCluster } from './cluster-input.ts';

const yes = { type: 'boolean', summary: 'Do not ask' } as const;

export const clusterPlan = defineCommand({
  name: 'cluster plan',
  usage: 'atrium cluster plan [--export cloudformation|policy]',
  summary: 'Show what an installation on AWS would be made of, what blocks, and what it costs',
  details:
    'Changes nothing. With --export it writes a CloudFormation template of network and rights instead, or the policy that ' +
    'whoever runs atrium cluster needs. Exit status 1 when something blocks.',
  options: { export: { type: 'string', value: '<what>', summary: 'Write cloudformation or policy instead' } },
  async run({ values }, terminal): Promise<Answer> {
    const input = await clusterInput(values, terminal);
    const cluster = await loadCluster();
    if (values.export !== undefined) {
      const make = { cloudformation: cluster.exportCloudFormation, policy: cluster.exportPolicy }[values.export];
      if (!make) throw new UsageError('--export takes cloudformation or policy');
      const json = await make(input);
      return { json, text: JSON.stringify(json, null, 2) };
    }
    const plan = await cluster.planCluster(input);
    const { users, hoursPerMonth } = input.config.expect;
    return { json: plan, text: cluster.planText(plan, users, hoursPerMonth), exitCode: plan.blocked ? 1 : 0 };
  },
});

export const clusterUp = defineCommand({
  name: 'cluster up',
  usage: 'atrium cluster up [--yes]',
  summary: 'Make the installation on AWS, or what is missing of it',
  details:
    'Shows the plan and asks. May be stopped at any moment and run again: it goes on where it was. When nothing is missing it ' +
    'changes nothing. What would interrupt people is left to atrium cluster upgrade.',
  options: { yes },
  async run({ values }, terminal): Promise<Answer> {
    const input = await clusterInput(values, terminal);
    const cluster = await loadCluster();
    if (!values.yes) {
      const plan = await cluster.planCluster(input);
      const { users, hoursPerMonth } = input.config.expect;
      terminal.say(cluster.planText(plan, users, hoursPerMonth));
      if (plan.blocked) throw new CommandError('Nothing is changed.');
      if (plan.changes > 0) await confirm('Make this, and pay for it?');
    }
    const result = await cluster.upCluster(input);
    return { json: result, text: upText(result) };
  },
});

export const clusterUpgrade = defineCommand({
  name: 'cluster upgrade',
  usage: 'atrium cluster upgrade [--yes]',
  summary: 'Roll image and manager of the installation on AWS',
  details:
    "First a copy of the hub's disk. Then a new image where its base or recipe is newer, and a new manager on the same disk: " +
    'sign-in and starts wait for some minutes, running notebooks go on. Homes are not touched.',
  options: { yes },
  async run({ values }, terminal): Promise<Answer> {
    const input = await clusterInput(values, terminal);
    const { upgradeCluster } = await loadCluster();
    if (!values.yes) await confirm('Nobody can sign in for some minutes when the manager is replaced. Go on?');
    const result = await upgradeCluster(input);
    return { json: result, text: upText(result) };
  },
});

type FirstAdmin = { url: string; expiresAt: number } | null;

const firstAdminText = (link: FirstAdmin) =>
  link &&
  `There is no administrator yet. Create the first account here (until ${new Date(link.expiresAt).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })}, works once):\n  ${link.url}`;

interface Up {
  url: string;
  fingerprint: string | null;
  firstAdmin: FirstAdmin;
  changed: unknown[];
  later: { title: string; note?: string }[];
}

const upText = ({ url, fingerprint, firstAdmin, changed, later }: Up) =>
  [
    changed.length === 0
      ? 'Everything is there already; nothing was changed.'
      : `Done: ${changed.length} things made or changed.`,
    ...later.map(({ title, note }) => `Left as it is: ${title}${note ? ` (${note})` : ''}`),
    `Address: ${url}`,
    fingerprint && `Its certificate: ${fingerprint}`,
    firstAdminText(firstAdmin),
  ]
    .filter(Boolean)
    .join('\n');

export const clusterStatus = defineCommand({
  name: 'cluster status',
  usage: 'atrium cluster status [--token-stdin]',
  summary: 'Say how the installation on AWS is, and what it costs',
  details:
    'Drift, things that nobody needs, machines without a session, spending, age of the image, certificate, quotas. Exit status ' +
    'for monitoring: 0 all is well, 1 somebody should look, 2 it does not work, 3 it could not be looked at. Who works is the hub’s to say: give an ' +
    'administrator’s API token on standard input with --token-stdin.',
  options: {
    'token-stdin': { type: 'boolean', summary: 'Read an API token from standard input, to ask the hub who works' },
  },
  async run({ values }, terminal): Promise<Answer> {
    const input = await clusterInput(values, terminal);
    const { statusOfCluster, dollars } = await loadCluster();
    const token = values['token-stdin'] ? (await passwordFromInput()).trim() : undefined;
    const status = await statusOfCluster(input, token).catch((error: Error) => {
      if (error.name !== 'ClusterError') throw error;
      return error;
    });
    if (status instanceof Error) {
      return { json: { error: { message: status.message }, exitCode: 3 }, text: status.message, exitCode: 3 };
    }
    const signs = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' };
    const machines = Object.entries(status.machines).map(([state, count]) => `${count} ${state}`);
    const text = [
      `Cluster "${status.cluster.name}", ${status.region}`,
      ...status.remarks.map(({ state, what, message }) => `${signs[state]}  ${what}: ${message}`),
      `Machines: ${machines.join(', ') || 'none'}. Homes: ${status.homes.count}, ${status.homes.gb} GB.`,
      `Spending of what is there: ${dollars(status.spend.today)} today, ${dollars(status.spend.month)} this month, ${dollars(status.spend.perHourNow)} an hour now.`,
      firstAdminText(status.firstAdmin),
    ]
      .filter(Boolean)
      .join('\n');
    // Monitoring keeps what it is told: the link is for a person's eyes.
    const { firstAdmin, ...json } = status;
    return { json: { ...json, hasAdministrator: firstAdmin === null }, text, exitCode: status.exitCode };
  },
});

export const clusterDown = defineCommand({
  name: 'cluster down',
  usage: 'atrium cluster down [--yes] [--delete-homes] [--delete-hub-data] [--confirm <name>]',
  summary: 'Remove the installation from AWS, except people’s homes and the hub’s data',
  details:
    'Ends with a list of what remains and what that costs a month. A later atrium cluster up of the same name finds homes and ' +
    'data again. To delete them too, name what goes and type the cluster’s name.',
  options: {
    yes,
    'delete-homes': { type: 'boolean', summary: 'Delete people’s homes and all copies of them, for good' },
    'delete-hub-data': { type: 'boolean', summary: 'Delete the hub’s disk; a last copy of it is kept' },
    confirm: { type: 'string', value: '<name>', summary: 'The cluster’s name, when data is deleted' },
  },
  async run({ values }, terminal): Promise<Answer> {
    const input = await clusterInput(values, terminal);
    const { downCluster, dollars } = await loadCluster();
    if (!values.yes) await confirm(`End all machines of "${input.config.name}", running notebooks too?`);
    const result = await downCluster(input, {
      deleteHomes: values['delete-homes'] ?? false,
      deleteHubData: values['delete-hub-data'] ?? false,
      ...(values.confirm === undefined ? {} : { confirm: values.confirm }),
    });
    const text = [
      `Removed ${result.removed.length} things.`,
      result.remaining.length === 0
        ? 'Nothing remains.'
        : `What remains costs at most ${dollars(result.perMonth)} a month:`,
      ...result.remaining.map(({ id, what, perMonth }) => `  ${id}  ${what}, ${dollars(perMonth)}`),
      result.remaining.length > 0 && 'atrium cluster up with the same name finds it again.',
    ].filter(Boolean);
    return { json: result, text: text.join('\n') };
  },
});

interface RebuiltRow {
  user: string | null;
  made: string[];
  left?: string;
}

export const clusterRebuild = defineCommand({
  name: 'cluster rebuild',
  usage: 'atrium cluster rebuild [--apply]',
  summary: 'List people’s machines and homes from their tags, for a hub whose database is lost',
  details:
    'Changes nothing without --apply. With it, on the manager: accounts, servers and homes that the hub does not know are ' +
    'made again there. Passwords, administrators and groups were in the database alone.',
  options: { apply: { type: 'boolean', summary: 'On the manager: make them again in the hub’s database' } },
  async run({ values }, terminal): Promise<Answer> {
    const input = await clusterInput(values, terminal);
    const { rebuildRows } = await loadCluster();
    const rebuilt = await rebuildRows(input);
    const lines = rebuilt.rows.map(({ user, instance, home }) => {
      const where =
        home === null ? 'no home' : 'volumeId' in home ? `home ${home.volumeId}` : `home in ${home.snapshotId}`;
      return `${user ?? '(nobody)'}  ${instance ? `${instance.id} (${instance.state})` : 'no machine'}  ${where}`;
    });
    if (values.apply) {
      const rows = rebuilt.rows.map(({ user, server, storage, generation }) => ({ user, server, storage, generation }));
      const done = await askerFor(values).ask<RebuiltRow[]>('rebuild', { rows });
      const text = done.map(({ user, made, left }) => `${user ?? '(nobody)'}  ${left ?? made.join(', ')}`);
      return { json: done, text: text.join('\n') || 'Nothing carries this cluster’s tags.' };
    }
    return { json: rebuilt, text: lines.join('\n') || 'Nothing carries this cluster’s tags.' };
  },
});
