import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Log } from '@atrium/sdk';
import { parseConfig } from './config.ts';
import { AgentError, textOf } from './errors.ts';
import { runAgent } from './run-agent.ts';
import { VERSION } from './version.ts';

const HELP = `Usage: atrium-agent [--config <file>] run

Runs on a worker machine: proves to the hub which machine it is, starts the person's
notebook server, watches it, and switches the machine off when it is no longer needed.

  -c, --config <file>  its configuration (/etc/atrium/agent.json)
      --version        prints the version
      --help           prints this
`;

/** Words for a person, exit code 2 for a wrong command line, 1 for a machine that cannot be run. */
async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      config: { type: 'string', short: 'c', default: '/etc/atrium/agent.json' },
      version: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.version) return say(`${VERSION}\n`);
  if (values.help) return say(HELP);
  if (positionals.length !== 1 || positionals[0] !== 'run') {
    process.stderr.write(`atrium-agent: what shall it do?\n\n${HELP}`);
    return 2;
  }
  const config = await readConfig(values.config);
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  const { reason, why } = await runAgent(config, { signal: stop.signal, log: lineLog });
  lineLog.info({ reason, why }, 'the agent ends');
  return 0;
}

async function readConfig(file: string) {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new AgentError(`The configuration ${file} could not be read: ${error.code ?? error.message}`);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AgentError(`The configuration ${file} is not JSON.`);
  }
  try {
    // biome-ignore lint/style/noProcessEnv: the address of the metadata service is set this way for every AWS tool.
    const imds = process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT;
    return parseConfig(imds && typeof value === 'object' ? { imds, ...value } : value);
  } catch (error) {
    throw new AgentError(`${file}: ${textOf(error)}`);
  }
}

/** One JSON object a line, for the journal. */
const write = (level: string) => (facts: object, message: string) => {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...facts })}\n`);
};
const lineLog: Log = { debug() {}, info: write('info'), warn: write('warn'), error: write('error') };

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  const known = error instanceof AgentError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`atrium-agent: ${known ? textOf(error) : ((error as Error).stack ?? String(error))}\n`);
  return (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') ? 2 : 1;
});
