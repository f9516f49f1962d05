import { expect, test } from 'vitest';
import { exportCloudFormation } from './export.ts';
import { startClusterRig } from './testing/rig.ts';

interface Template {
  AWSTemplateFormatVersion: string;
  Resources: Record<string, { Type: string; DependsOn?: string; Properties: Record<string, unknown> }>;
  Outputs: Record<string, { Description: string; Value: unknown }>;
}

/** Names that a part of a template refers to. */
function referred(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referred);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'Ref') return [String(inner)];
    if (key === 'Fn::GetAtt') return [String((inner as string[])[0])];
    return referred(inner);
  });
}

test.each(['public-ip', 'nat', 'none'] as const)(
  'the template of a cluster with egress %s is whole',
  async (egress) => {
    await using rig = await startClusterRig({ config: { egress } });
    const template = (await exportCloudFormation(rig.input())) as Template;
    const names = Object.keys(template.Resources);
    for (const [name, { Type, DependsOn, Properties }] of Object.entries(template.Resources)) {
      expect(name).toMatch(/^[A-Za-z0-9]+$/);
      expect(Type).toMatch(/^AWS::(EC2|IAM)::[A-Za-z]+$/);
      for (const other of [...referred(Properties), ...(DependsOn ? [DependsOn] : [])]) expect(names).toContain(other);
    }
    for (const { Description, Value } of Object.values(template.Outputs)) {
      expect(Description).toMatch(/^cluster\./);
      for (const other of referred(Value)) expect(names).toContain(other);
    }
    expect(Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::EC2::NatGateway')).toHaveLength(
      egress === 'nat' ? 1 : 0,
    );
    // It changes nothing, and needs no cluster.
    expect(rig.sim.calls.all({ mutating: true })).toEqual([]);
  },
);

test('with a network of others only the rights are left to make', async () => {
  await using rig = await startClusterRig();
  const [one] = [...rig.sim.world.subnets.values()];
  const network = { vpc: one!.vpcId, subnets: [one!.id], managerSubnet: one!.id };
  const template = (await exportCloudFormation(rig.input({ network }))) as Template;
  expect(Object.values(template.Resources).map(({ Type }) => Type)).toEqual([
    'AWS::IAM::Role',
    'AWS::IAM::InstanceProfile',
  ]);
});
