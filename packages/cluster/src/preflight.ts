import type { ResourceType } from '@aws-sdk/client-ec2';
import { codeOf, isDenied, orGone } from './aws/errors.ts';
import { isAdopted } from './config.ts';
import type { Scene } from './engine/part.ts';
import { baseImage } from './parts/image.ts';
import type { Layout } from './parts/network.ts';
import { TAG, tagged } from './tags.ts';

/** One thing looked at before anything is made. `fail` blocks `up`. */
export interface Finding {
  name: string;
  state: 'ok' | 'warn' | 'fail';
  message: string;
}

const ok = (name: string, message: string): Finding => ({ name, state: 'ok', message });
const warn = (name: string, message: string): Finding => ({ name, state: 'warn', message });
const fail = (name: string, message: string): Finding => ({ name, state: 'fail', message });

/** Reads only: calls that would change something are made as dry runs. */
export async function preflight(scene: Scene, layout: Layout): Promise<Finding[]> {
  const checks = [mayDo, imageIsThere, typesInZones, quotas, addresses];
  const found: Finding[] = [ok('credentials', `account ${scene.account}, region ${scene.region}`)];
  for (const check of checks) {
    try {
      found.push(...(await check(scene, layout)));
    } catch (error) {
      const name = check.name;
      found.push(
        isDenied(error)
          ? warn(name, `could not be looked at: your account may not (${codeOf(error)})`)
          : fail(name, `${codeOf(error)} ${(error as Error).message}`.trim()),
      );
    }
  }
  return found;
}

/** The calls that matter, as dry runs: AWS says whether they would be allowed and does nothing. */
async function mayDo(scene: Scene): Promise<Finding[]> {
  const ec2 = await scene.aws.ec2();
  const base = await baseImage(scene, 'id' in scene.config.image ? scene.config.image.id : scene.config.image.base);
  const DryRun = true;
  // With the mark that the operator's policy asks for, as the real calls have it.
  const marked = (...types: ResourceType[]) =>
    types.flatMap((type) => tagged(type, [{ Key: TAG.cluster, Value: scene.config.name }]));
  const calls: [string, () => Promise<unknown>][] = [
    [
      'RunInstances',
      () =>
        ec2.runInstances({
          DryRun,
          ImageId: base,
          InstanceType: scene.config.manager.type as never,
          MinCount: 1,
          MaxCount: 1,
          TagSpecifications: marked('instance', 'volume'),
        }),
    ],
    ['AllocateAddress', () => ec2.allocateAddress({ DryRun, Domain: 'vpc', TagSpecifications: marked('elastic-ip') })],
    ...(isAdopted(scene.config.network)
      ? []
      : ([
          ['CreateVpc', () => ec2.createVpc({ DryRun, CidrBlock: '10.77.0.0/16', TagSpecifications: marked('vpc') })],
        ] as [string, () => Promise<unknown>][])),
  ];
  const refused: string[] = [];
  for (const [name, call] of calls) {
    const code = await call().then(
      () => 'DryRunOperation',
      (error: unknown) => codeOf(error),
    );
    if (/UnauthorizedOperation|AccessDenied/.test(code)) refused.push(name);
    else if (code !== 'DryRunOperation') return [warn('permissions', `${name} as a dry run: ${code}`)];
  }
  if (refused.length === 0) return [ok('permissions', `${calls.map(([name]) => name).join(', ')} would be allowed`)];
  return [
    fail('permissions', `AWS would refuse ${refused.join(', ')}. What is needed: atrium cluster plan --export policy`),
  ];
}

async function imageIsThere(scene: Scene): Promise<Finding[]> {
  const { image } = scene.config;
  const id = await baseImage(scene, 'id' in image ? image.id : image.base);
  const found = await orGone((await scene.aws.ec2()).describeImages({ ImageIds: [id] }));
  const [seen] = found?.Images ?? [];
  return [
    seen ? ok('image', `${seen.ImageId}, ${seen.Name}`) : fail('image', `there is no image ${id} in this region`),
  ];
}

async function typesInZones(scene: Scene, layout: Layout): Promise<Finding[]> {
  const ec2 = await scene.aws.ec2();
  const zones = await zonesOf(scene, layout);
  const wanted = [...new Set([scene.config.manager.type, ...scene.config.profiles.flatMap(({ types }) => types)])];
  const { InstanceTypeOfferings = [] } = await ec2.describeInstanceTypeOfferings({
    LocationType: 'availability-zone',
    Filters: [{ Name: 'instance-type', Values: wanted }],
  });
  const isOffered = (type: string, zone: string) =>
    InstanceTypeOfferings.some((each) => each.InstanceType === type && each.Location === zone);
  const managerZone = zones[0];
  const { type } = scene.config.manager;
  if (managerZone && !isOffered(type, managerZone)) return [fail('types', `${type} is not offered in ${managerZone}`)];
  const findings = scene.config.profiles.map(({ name, types }) => {
    const nowhere = zones.filter((zone) => !types.some((each) => isOffered(each, zone)));
    if (nowhere.length === zones.length) return fail('types', `${name}: none of ${types.join(', ')} is offered here`);
    if (nowhere.length > 0)
      return warn('types', `${name}: none of ${types.join(', ')} is offered in ${nowhere.join(', ')}`);
    return ok('types', `${name}: ${types.join(', ')} in ${zones.join(', ')}`);
  });
  return findings.length > 0 ? findings : [ok('types', `${type} in ${managerZone}`)];
}

async function zonesOf(scene: Scene, layout: Layout): Promise<readonly string[]> {
  const { network } = scene.config;
  if (!isAdopted(network)) return layout.zones;
  const ec2 = await scene.aws.ec2();
  const { Subnets = [] } = await ec2.describeSubnets({ SubnetIds: [network.managerSubnet, ...network.subnets] });
  return [...new Set(Subnets.map(({ AvailabilityZone }) => `${AvailabilityZone}`))];
}

/** Quotas count vCPUs of families; a new account often has none of the graphics families. */
export const QUOTAS = [
  {
    market: 'on-demand',
    pattern: /^(a|c|d|h|i|m|r|t|z)\d|^im|^is/,
    code: 'L-1216C47A',
    name: 'Running On-Demand Standard instances',
  },
  { market: 'on-demand', pattern: /^(g|vt)\d/, code: 'L-DB2E81BA', name: 'Running On-Demand G and VT instances' },
  { market: 'on-demand', pattern: /^p\d/, code: 'L-417A185B', name: 'Running On-Demand P instances' },
  {
    market: 'spot',
    pattern: /^(a|c|d|h|i|m|r|t|z)\d|^im|^is/,
    code: 'L-34B43A08',
    name: 'All Standard Spot Instance Requests',
  },
  { market: 'spot', pattern: /^(g|vt)\d/, code: 'L-3819A6DF', name: 'All G and VT Spot Instance Requests' },
  { market: 'spot', pattern: /^p\d/, code: 'L-7212CCBC', name: 'All P4, P3, P2 Spot Instance Requests' },
] as const;

async function quotas(scene: Scene): Promise<Finding[]> {
  const { profiles, expect, manager } = scene.config;
  const types = [...new Set([manager.type, ...profiles.flatMap((profile) => profile.types)])];
  const { InstanceTypes = [] } = await (await scene.aws.ec2()).describeInstanceTypes({
    InstanceTypes: types as never[],
  });
  const vcpus = (type: string) => InstanceTypes.find((each) => each.InstanceType === type)?.VCpuInfo?.DefaultVCpus ?? 2;
  const atOnce = expect.atOnce ?? expect.users;
  const client = await scene.aws.quotas();
  const findings: Finding[] = [];
  for (const quota of QUOTAS) {
    const meant = profiles.filter(
      ({ market, types: [type = ''] }) => market === quota.market && quota.pattern.test(type),
    );
    const isManagers = quota.market === 'on-demand' && quota.pattern.test(manager.type);
    if (meant.length === 0 && !isManagers) continue;
    // Anybody may choose any profile: the largest counts. A graphics machine is for some at a time, but at least for one.
    const most = Math.max(0, ...meant.map(({ types: [type = ''] }) => vcpus(type)));
    const needed = most * atOnce + (isManagers ? vcpus(manager.type) : 0);
    const { Quota } = await client.getServiceQuota({ ServiceCode: 'ec2', QuotaCode: quota.code });
    const have = Quota?.Value ?? 0;
    const label = `${quota.name} (${quota.code}): ${have} vCPUs`;
    if (have < most || have === 0) {
      findings.push(
        fail(
          'quotas',
          `${label}, so ${meant.map(({ name }) => name).join(', ') || 'the manager'} cannot start. Ask AWS for at least ${needed} in Service Quotas`,
        ),
      );
    } else if (have < needed) {
      const fits = most > 0 ? Math.floor((have - (isManagers ? vcpus(manager.type) : 0)) / most) : 0;
      findings.push(warn('quotas', `${label}, enough for ${fits} of ${atOnce} people at once. Ask AWS for ${needed}`));
    } else findings.push(ok('quotas', `${label}, ${needed} needed for ${atOnce} people at once`));
  }
  return findings;
}

async function addresses(scene: Scene): Promise<Finding[]> {
  const { network, expect } = scene.config;
  const ec2 = await scene.aws.ec2();
  const atOnce = expect.atOnce ?? expect.users;
  const findings: Finding[] = [];
  if (isAdopted(network)) {
    const { Subnets = [] } = await ec2.describeSubnets({ SubnetIds: [...network.subnets] });
    const free = Subnets.reduce((sum, subnet) => sum + (subnet.AvailableIpAddressCount ?? 0), 0);
    findings.push(
      free < atOnce
        ? fail('addresses', `the subnets have ${free} free addresses, for ${atOnce} people at once`)
        : ok('addresses', `${free} free addresses for ${atOnce} people at once`),
    );
  }
  const { Quota } = await (await scene.aws.quotas()).getServiceQuota({ ServiceCode: 'ec2', QuotaCode: 'L-0263D0A3' });
  const { Addresses = [] } = await ec2.describeAddresses({});
  const have = Quota?.Value ?? 5;
  const needed = scene.config.egress === 'nat' ? 2 : 1;
  if (!scene.ids.has('address') && Addresses.length + needed > have) {
    findings.push(
      fail('addresses', `${Addresses.length} of ${have} elastic addresses are taken (L-0263D0A3), ${needed} needed`),
    );
  }
  return findings;
}
