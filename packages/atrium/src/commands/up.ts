import { defineCommand, UsageError } from '../cli/command.ts';
import { findDataDir, placesOf } from '../files/data-dir.ts';
import { findConfigFile } from '../files/find-config.ts';
import { runUp } from '../up/begin.ts';

/** A TCP port as it stands on a command line. */
export function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new UsageError('--port takes a number from 0 to 65535');
  return port;
}

export const up = defineCommand({
  name: 'up',
  usage: 'atrium up [--host <address>] [--port <number>] [--service-user <names>]',
  summary: 'Run the hub and its proxy until Ctrl-C',
  details:
    "People's servers that run already are taken over, and go on when this ends (atrium down --servers stops them). " +
    'With --json the answer is one line once everything is ready.',
  options: {
    host: {
      type: 'string',
      value: '<address>',
      summary: 'Address to listen on; 127.0.0.1 unless the configuration says otherwise',
    },
    port: {
      type: 'string',
      short: 'p',
      value: '<number>',
      summary: 'Port to listen on; 8000 unless the configuration says otherwise; 0 for any',
    },
    'service-user': {
      type: 'string',
      value: '<names>',
      summary: 'Started as root: accounts that services may run as, with commas between',
    },
  },
  async run({ values }, terminal) {
    const places = placesOf(findDataDir(values['data-dir']));
    const configFile = () => findConfigFile(values.config, places.dataDir);
    const flags = { host: values.host, port: portOf(values.port) };
    const serviceUsers = (values['service-user'] ?? '').split(',').filter(Boolean);
    await runUp({ places, configFile, flags, serviceUsers, terminal });
    return undefined;
  },
});
