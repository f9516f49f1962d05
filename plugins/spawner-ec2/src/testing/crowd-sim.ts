import { once } from 'node:events';
import { manualClock, startEc2Sim } from '@atrium/ec2-sim';

/*
 * A simulated region in a process of its own, with as many machines of one cluster as its argument says. Prints what a
 * hub needs to know as one line of JSON, and ends when its input does.
 */

const PER_CALL = 500;
const count = Number(process.argv[2]);
const clock = manualClock();
await using sim = await startEc2Sim({ clock, buckets: false, quotas: { 'L-1216C47A': 1_000_000 } });
for (const [name, value] of Object.entries(sim.env('crowd'))) process.env[name] = value;
const image = [...sim.world.images.values()].find((one) => one.public && one.architecture === 'x86_64')!.id;
const subnets = [...sim.world.subnets.values()].map(({ id, zone }) => ({ id, zone }));
const { EC2 } = await import('@aws-sdk/client-ec2');
const ec2 = new EC2({});
for (let made = 0; made < count; made += PER_CALL) {
  const tags = {
    'atrium:cluster': 'class',
    'atrium:cluster-id': 'cluster-1',
    'atrium:role': 'worker',
    'atrium:user': `person-${made}`,
    'atrium:server': `server-${made}`,
    'atrium:gen': '1',
    'atrium:profile': 'small',
    'atrium:schema': '1',
    'atrium:storage': `home-${made}`,
    Name: `class person-${made}`,
  };
  await ec2.runInstances({
    MinCount: 1,
    MaxCount: Math.min(PER_CALL, count - made),
    InstanceType: 't3.medium',
    ImageId: image,
    SubnetId: subnets[(made / PER_CALL) % subnets.length]!.id,
    TagSpecifications: [
      { ResourceType: 'instance', Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
    ],
  });
}
ec2.destroy();
await clock.advance(60_000);
const group = [...sim.world.groups.keys()][0];
process.stdout.write(`${JSON.stringify({ env: sim.env('hub'), region: sim.region, image, subnets, group })}\n`);
process.stdin.resume();
await once(process.stdin, 'end');
