import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const LOADING_MS = 60_000;

/** Runs a module in a Node of its own, and answers which parts of the AWS SDK it has loaded. */
async function awsModulesOf(code: string): Promise<string[]> {
  const script = `
    import { registerHooks } from 'node:module';
    const seen = new Set();
    registerHooks({ load(url, context, next) { seen.add(url); return next(url, context); } });
    ${code}
    console.log(JSON.stringify([...seen].filter((url) => url.includes('@aws-sdk/'))));
  `;
  const { stdout } = await run(
    process.execPath,
    ['--conditions=atrium-source', '--input-type=module', '--eval', script],
    { cwd: import.meta.dirname, env: { PATH: '/usr/bin:/bin', AWS_REGION: 'us-east-1' } },
  );
  return JSON.parse(stdout) as string[];
}

const INDEX = new URL('./index.ts', import.meta.url).href;

test('a configuration file that imports atrium does not load the AWS SDK', { timeout: LOADING_MS }, async () => {
  expect(await awsModulesOf(`await import('${INDEX}');`)).toEqual([]);
});

test('naming the EC2 spawner does not load it; making the spawner does', { timeout: LOADING_MS }, async () => {
  const named = `
    const { ec2Spawner } = await import('${INDEX}');
    const spawner = ec2Spawner({
      cluster: { name: 'class' },
      hubUrl: 'https://10.0.0.10/hub/',
      subnets: [{ id: 'subnet-1', zone: 'us-east-1a' }],
      securityGroups: ['sg-1'],
      profiles: [{ id: 'small', title: 'Small', types: ['t3.medium'] }],
    });
    const config = spawner.config.parse(spawner.options);
  `;
  const quiet = '() => {}';
  const made = `
    const log = { debug: ${quiet}, info: ${quiet}, warn: ${quiet}, error: ${quiet} };
    const clock = { now: () => Date.now(), sleep: async () => {} };
    await spawner.create(config, { hubId: 'hub', clock, log, store: {} });
  `;

  expect(await awsModulesOf(named)).toEqual([]);
  expect((await awsModulesOf(named + made)).join('\n')).toContain('@aws-sdk/client-ec2');
});
