import {
  CreateLaunchTemplateCommand,
  CreateLaunchTemplateVersionCommand,
  DeleteLaunchTemplateCommand,
  DeleteLaunchTemplateVersionsCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribeVolumesCommand,
  ModifyLaunchTemplateCommand,
  type RequestLaunchTemplateData,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { refusal, running, seen, someImage, startTestSim, type TestSim, tagging } from '../testing.ts';

async function template(t: TestSim, data: RequestLaunchTemplateData = {}): Promise<string> {
  const { LaunchTemplate } = await t.ec2.send(
    new CreateLaunchTemplateCommand({
      LaunchTemplateName: 'workers',
      LaunchTemplateData: { ImageId: someImage(t.sim), InstanceType: 't3.small', ...data },
    }),
  );
  return LaunchTemplate!.LaunchTemplateId!;
}
const byTemplate = (LaunchTemplateId: string, Version?: string) => ({
  LaunchTemplate: { LaunchTemplateId, ...(Version ? { Version } : {}) },
  ImageId: undefined,
  InstanceType: undefined,
});

test('versions are added, one of them is the default, and others can be deleted', async () => {
  await using t = await startTestSim();
  const LaunchTemplateId = await template(t);
  const add = (InstanceType: 't3.medium' | 't3.large') =>
    t.ec2.send(
      new CreateLaunchTemplateVersionCommand({
        LaunchTemplateId,
        SourceVersion: '1',
        LaunchTemplateData: { InstanceType },
      }),
    );
  const type = async (version?: string) =>
    (await seen(t, (await running(t, byTemplate(LaunchTemplateId, version)))[0])).InstanceType;

  await add('t3.medium');
  expect((await add('t3.large')).LaunchTemplateVersion).toMatchObject({ VersionNumber: 3, DefaultVersion: false });
  expect([await type(), await type('2'), await type('$Latest')]).toEqual(['t3.small', 't3.medium', 't3.large']);
  await t.ec2.send(new ModifyLaunchTemplateCommand({ LaunchTemplateId, DefaultVersion: '3' }));
  expect(await type('$Default')).toBe('t3.large');
  const dropped = await t.ec2.send(
    new DeleteLaunchTemplateVersionsCommand({ LaunchTemplateId, Versions: ['1', '3', '7'] }),
  );
  expect(dropped.SuccessfullyDeletedLaunchTemplateVersions!.map(({ VersionNumber }) => VersionNumber)).toEqual([1]);
  expect(dropped.UnsuccessfullyDeletedLaunchTemplateVersions).toHaveLength(2);
  const left = await t.ec2.send(new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId }));
  expect(left.LaunchTemplateVersions!.map(({ VersionNumber }) => VersionNumber)).toEqual([3, 2]);
  expect(await refusal(type('1'))).toBe('InvalidLaunchTemplateId.VersionNotFound');

  await t.ec2.send(new DeleteLaunchTemplateCommand({ LaunchTemplateId }));
  expect(await refusal(type())).toBe('InvalidLaunchTemplateId.NotFound');
});

test('a launch takes everything from its template, and its own parameters win', async () => {
  await using t = await startTestSim();
  const LaunchTemplateId = await template(t, {
    MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1, InstanceMetadataTags: 'enabled' },
    UserData: Buffer.from('#cloud-config\n').toString('base64'),
    BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: { VolumeSize: 20, Encrypted: true } }],
    TagSpecifications: [tagging('instance', { of: 'template' }), tagging('volume', { of: 'template' })],
  });

  const [id] = await running(t, {
    ...byTemplate(LaunchTemplateId),
    InstanceType: 't3.large',
    TagSpecifications: [tagging('instance', { of: 'call' })],
  });
  const machine = await seen(t, id);
  const { Volumes } = await t.ec2.send(
    new DescribeVolumesCommand({ VolumeIds: [machine.BlockDeviceMappings![0]!.Ebs!.VolumeId!] }),
  );

  expect(machine).toMatchObject({
    InstanceType: 't3.large',
    MetadataOptions: { HttpTokens: 'required', InstanceMetadataTags: 'enabled' },
    Tags: [{ Key: 'of', Value: 'call' }],
  });
  expect(Volumes![0]).toMatchObject({ Size: 20, Encrypted: true, Tags: [{ Key: 'of', Value: 'template' }] });
  expect(t.sim.world.instances.get(id)!.userData).toBe(Buffer.from('#cloud-config\n').toString('base64'));
});
