import { askerFor } from '../cli/ask.ts';
import { defineCommand } from '../cli/command.ts';

interface Action {
  code: string;
  message: string;
  alert?: boolean;
}

export const upkeep = defineCommand({
  name: 'upkeep',
  usage: 'atrium upkeep [--dry-run]',
  summary: 'Repair and tidy what the spawner keeps outside: machines, disks, copies',
  details:
    'A running hub does it by itself every minute. With --dry-run nothing is changed: it says what would be done. ' +
    'Lines with an exclamation mark are for a person to look at.',
  options: { 'dry-run': { type: 'boolean', summary: 'Change nothing, only say what would be done' } },
  async run({ values }) {
    const dryRun = values['dry-run'] ?? false;
    const actions = await askerFor(values).ask<Action[]>('upkeep', { dryRun });
    const lines = actions.map(({ code, message, alert }) => `${alert ? '!' : ' '} ${message} (${code})`);
    const nothing = dryRun ? 'There is nothing to do.' : 'There was nothing to do.';
    return { json: { dryRun, actions }, text: lines.length > 0 ? lines.join('\n') : nothing };
  },
});
