import { expect, test } from 'vitest';
import { testCli } from '../testing/cli.ts';

/** The answer of `atrium config check` to an EC2 spawner with these options. */
async function problemsOf(options: object): Promise<{ code: number | null; problems: string[] }> {
  await using cli = testCli(
    `import { defineConfig, ec2Spawner } from 'atrium';\nexport default defineConfig({ spawner: ec2Spawner(${JSON.stringify(options)}) });\n`,
  );
  const { code, out } = await cli.run(['config', 'check', '--json']);
  return { code, problems: (JSON.parse(out) as { problems: string[] }).problems };
}

const GOOD = {
  cluster: { name: 'class' },
  region: 'eu-central-1',
  hubUrl: 'https://10.0.0.10/hub/',
  subnets: [{ id: 'subnet-1', zone: 'eu-central-1a' }],
  securityGroups: ['sg-1'],
  profiles: [{ id: 'small', title: 'Small', types: ['t3.medium'] }],
};

test('a good configuration of the EC2 spawner is accepted without a call to AWS', async () => {
  expect(await problemsOf(GOOD)).toEqual({ code: 0, problems: [] });
});

test('each mistake is told at once, with its path and in words', async () => {
  const small = GOOD.profiles[0]!;
  const { code, problems } = await problemsOf({
    ...GOOD,
    regoin: 'eu-central-1',
    hubUrl: 'https://10.0.0.10',
    profiles: [{ ...small, types: ['medium'] }],
    homes: { sizeGb: 0 },
  });

  expect(code).toBe(1);
  expect(problems.toSorted()).toEqual([
    'spawner ec2: homes.sizeGb: Too small: expected number to be >=1',
    'spawner ec2: hubUrl: ends with /hub/',
    'spawner ec2: profiles.0.types.0: an instance type like t3.medium',
    'spawner ec2: regoin: unknown setting. Did you mean region?',
  ]);
});

test('what does not fit together is told, too', async () => {
  const small = GOOD.profiles[0]!;
  const { problems } = await problemsOf({
    ...GOOD,
    securityGroups: [],
    profiles: [small, small],
    spares: [{ profile: 'large', stopped: 2 }],
    agent: { baked: false },
  });

  expect(problems.toSorted()).toEqual([
    'spawner ec2: agent.cloudInit: an image without the agent needs cloud-config that installs it',
    "spawner ec2: profiles: two profiles are called 'small'",
    'spawner ec2: securityGroups: name a launch template, or the security groups of machines',
    "spawner ec2: spares.0.profile: no profile is called 'large'",
  ]);
  expect((await problemsOf({ ...GOOD, profiles: [{ ...small, market: 'spot', onIdle: 'stop' }] })).problems).toEqual([
    'spawner ec2: profiles.0.onIdle: a spot machine cannot be stopped, only terminated; its home stays',
  ]);
});
