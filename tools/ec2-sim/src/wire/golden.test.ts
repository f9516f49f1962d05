import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateVolumeCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  EC2Client,
  StartInstancesCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { running, startTestSim, type TestSim, tagging } from '../testing.ts';

/** What goes over the wire, as it goes. Ids, which are random, are counted instead. */
async function answer(t: TestSim, form: Record<string, string>): Promise<string> {
  const key = t.sim.env('test').AWS_ACCESS_KEY_ID;
  const response = await fetch(t.sim.endpoint, {
    method: 'POST',
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=${key}/20261005/us-east-1/ec2/aws4_request, Signature=0` },
    body: new URLSearchParams({ Version: '2016-11-15', ...form }),
  });
  const known = new Map<string, string>();
  return `${(await response.text())
    .replace(/<(requestId|RequestID)>[^<]+/g, '<$1>00000000-0000-0000-0000-000000000000')
    .replace(/\b([a-z]+(?:-[a-z]+)?)-0[0-9a-f]{16}\b/g, (id, prefix: string) => {
      if (!known.has(id)) known.set(id, `${prefix}-${String(known.size + 1).padStart(17, '0')}`);
      return known.get(id)!;
    })
    .replace(/></g, '>\n<')}\n`;
}

/** A client that gets a stored answer, whatever it asks. */
async function clientOf(stored: string, status = 200) {
  const server = createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'text/xml;charset=UTF-8' }).end(stored);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const ec2 = new EC2Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIA', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
  return {
    ec2,
    async [Symbol.asyncDispose]() {
      ec2.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('an instance in XML is as it always was, and the SDK reads it', async () => {
  await using t = await startTestSim();
  const [id] = await running(t, {
    ClientToken: 'golden',
    MetadataOptions: { HttpTokens: 'required' },
    TagSpecifications: [tagging('instance', { Name: 'ada @ home' })],
  });

  const xml = await answer(t, { Action: 'DescribeInstances', 'InstanceId.1': id });
  await expect(xml).toMatchFileSnapshot('golden/describe-instances.xml');

  await using stored = await clientOf(xml);
  const { Reservations } = await stored.ec2.send(new DescribeInstancesCommand({}));
  expect(Reservations![0]!.Instances![0]).toMatchObject({
    InstanceType: 't3.medium',
    State: { Code: 16, Name: 'running' },
    LaunchTime: new Date('2026-10-05T09:00:00Z'),
    MetadataOptions: { HttpTokens: 'required' },
    BlockDeviceMappings: [{ Ebs: { Status: 'attached', DeleteOnTermination: true } }],
    Tags: [{ Key: 'Name', Value: 'ada @ home' }],
  });
});

test('a volume in XML is as it always was, and the SDK reads it', async () => {
  await using t = await startTestSim();
  await t.ec2.send(
    new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 10, VolumeType: 'gp3', Encrypted: true }),
  );
  await t.clock.advance(3_000);

  const xml = await answer(t, { Action: 'DescribeVolumes', MaxResults: '5' });
  await expect(xml).toMatchFileSnapshot('golden/describe-volumes.xml');

  await using stored = await clientOf(xml);
  const { Volumes } = await stored.ec2.send(new DescribeVolumesCommand({}));
  expect(Volumes![0]).toMatchObject({ Size: 10, Encrypted: true, State: 'available', Iops: 3000, Attachments: [] });
});

test('an error in XML is as it always was, and the SDK reads it', async () => {
  await using t = await startTestSim();

  const xml = await answer(t, { Action: 'StartInstances', 'InstanceId.1': 'i-1234567890abcdef0' });
  await expect(xml).toMatchFileSnapshot('golden/not-found.xml');

  await using stored = await clientOf(xml, 400);
  await expect(stored.ec2.send(new StartInstancesCommand({ InstanceIds: ['i-1'] }))).rejects.toMatchObject({
    name: 'InvalidInstanceID.NotFound',
    message: "The instance ID 'i-1234567890abcdef0' does not exist",
  });
});
