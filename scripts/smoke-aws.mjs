import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { runScript } from './lib/launch.mjs';
import { pinnedBrowser } from './lib/pinned-browser.mjs';
import { root } from './lib/root.mjs';

const HELP = `node scripts/smoke-aws.mjs --region <region> (--source-npm <version> | --source-url <https url> --source-sha256 <hex>)

Makes a small cluster on YOUR AWS account, uses it once and removes it, data too. Costs about 25 cents and half an hour.
This software has so far met a simulator of EC2 only: use an account in which nothing else is at stake.

  --region <region>   Where, for instance eu-central-1
  --name <name>       Of the cluster; a run that was cut off goes on with the same name (default: smoke-<four letters>)
  --type <type>       Of the person's machine (default t3.small)
  --plan-only         Stop after the plan: changes nothing and costs nothing
  --keep              Leave the cluster standing
  --yes               Do not ask
`;

const OPTIONS = {
  region: { type: 'string' },
  name: { type: 'string', default: `smoke-${randomBytes(2).toString('hex')}` },
  type: { type: 'string', default: 't3.small' },
  'source-npm': { type: 'string' },
  'source-url': { type: 'string' },
  'source-sha256': { type: 'string' },
  'plan-only': { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

const READY_MS = 20 * 60_000;
const LOOK_MS = 5_000;

/** Says what is done and how long it took. */
async function step(what, work) {
  process.stdout.write(`… ${what}\n`);
  const began = Date.now();
  const result = await work();
  process.stdout.write(`  done in ${Math.round((Date.now() - began) / 1000)} s\n`);
  return result;
}

function configText({ name, region, type, ...values }) {
  const source = values['source-npm']
    ? { npm: values['source-npm'] }
    : { url: values['source-url'], sha256: values['source-sha256'] };
  const cluster = { name, ...(region ? { region } : {}), source, expect: { users: 1, hoursPerMonth: 1 } };
  return `import { defineConfig, ec2Spawner, secret, sharedPassword } from 'atrium';
const SMOKE_PASSWORD = secret.env('SMOKE_PASSWORD');
export default defineConfig({
  cluster: { ...${JSON.stringify(cluster)}, manager: { env: { SMOKE_PASSWORD } } },
  authenticator: sharedPassword({ password: SMOKE_PASSWORD }),
  spawner: ec2Spawner({ profiles: [{ id: 'small', title: 'Small', types: [${JSON.stringify(type)}] }] }),
});
`;
}

await runScript(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  const hasSource = values['source-npm'] || (values['source-url'] && values['source-sha256']);
  if (values.help || !hasSource) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  const dir = mkdtempSync(join(tmpdir(), 'atrium-smoke-'));
  const config = join(dir, 'atrium.config.ts');
  writeFileSync(config, configText(values));
  const password = process.env.SMOKE_PASSWORD ?? randomBytes(18).toString('base64url');
  const env = { ...process.env, SMOKE_PASSWORD: password };
  const command = (args) => [join(root, 'packages/atrium/bin/atrium.mjs'), 'cluster', ...args, '--config', config];
  const atrium = (...args) => {
    const { status } = spawnSync(process.execPath, command(args), { stdio: 'inherit', env });
    if (status !== 0) throw new Error(`atrium cluster ${args[0]} ended with ${status}. Configuration: ${config}`);
  };
  const answer = (...args) =>
    JSON.parse(
      execFileSync(process.execPath, command([...args, '--json']), { env, stdio: ['ignore', 'pipe', 'inherit'] }),
    );

  await step('plan', () => atrium('plan'));
  if (values['plan-only']) return 0;
  if (!values.yes) {
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    const said = await terminal.question(
      `\nThis spends money on your account until it is taken down. Type ${values.name} to go on: `,
    );
    terminal.close();
    if (said.trim() !== values.name) return 1;
  }
  process.stdout.write(
    `If this is cut off:  SMOKE_PASSWORD=x npx atrium cluster down --delete-homes --delete-hub-data --confirm ${values.name} --config ${config}\n`,
  );
  try {
    const { url, fingerprint } = await step('up', () => answer('up', '--yes'));
    await use(url, fingerprint, password);
    await step('status', () => atrium('status')).catch((error) => process.stdout.write(`${error.message}\n`));
  } finally {
    if (!values.keep)
      await step('down', () =>
        atrium('down', '--yes', '--delete-homes', '--delete-hub-data', '--confirm', values.name),
      );
  }
  process.stdout.write('What the list above names is all that remains. Look at the bill tomorrow.\n');
  return 0;
});

/** One person: machine, a file in the home, stop, start, the same file. */
async function use(url, fingerprint, password) {
  const browser = pinnedBrowser(url, fingerprint);
  await step('sign in', () => browser.signIn('smoke', password));
  const server = async () => (await browser.api('GET', 'users/smoke')).servers?.[''];
  const until = async (isDone) => {
    for (const end = Date.now() + READY_MS; Date.now() < end; await new Promise((next) => setTimeout(next, LOOK_MS))) {
      if (isDone(await server())) return;
    }
    throw new Error(`That took more than ${READY_MS / 60_000} minutes`);
  };
  const start = async () => {
    await browser.api('POST', 'users/smoke/server', {});
    await until((now) => now?.ready);
  };
  await step('first start: a new machine and home', start);
  const { token } = await browser.api('POST', 'users/smoke/tokens', { note: 'smoke test', expires_in: 3600 });
  const file = { type: 'file', format: 'text', content: `made at ${new Date().toISOString()}` };
  await step('write a file', () => browser.server('PUT', 'smoke', 'api/contents/smoke.txt', token, file));
  await step('stop', async () => {
    await browser.api('DELETE', 'users/smoke/server');
    await until((now) => !now || now.stopped);
  });
  await step('second start: the same machine', start);
  const found = await step('read the file', () => browser.server('GET', 'smoke', 'api/contents/smoke.txt', token));
  if (found.content !== file.content) throw new Error('The file is not what was written');
}
