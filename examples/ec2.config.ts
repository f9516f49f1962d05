import { defineConfig, ec2Spawner, password } from 'atrium';

/**
 * A class on AWS, in a network that is there already: everybody has a machine of their own. With `atrium cluster up`, which
 * makes the network, the image and the manager, less than half of this has to be said.
 */
export default defineConfig({
  host: '0.0.0.0',
  authenticator: password({ signUp: 'approval' }),
  idle: { stopAfter: '45m', maxAge: '12h' },
  // EC2 takes tens of seconds where a process takes one; a first boot without a baked image takes minutes.
  start: { timeout: '10m', stopTimeout: '10m' },
  spawner: ec2Spawner({
    cluster: { name: 'biology' },
    region: 'eu-central-1',
    // The hub's address in the private network, as people's machines reach it.
    hubUrl: 'https://10.0.0.10/hub/',
    hubCa: 'sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    launchTemplate: { id: 'lt-0123456789abcdef0', version: '1' },
    subnets: [
      { id: 'subnet-0123456789abcdef0', zone: 'eu-central-1a' },
      { id: 'subnet-0fedcba9876543210', zone: 'eu-central-1b' },
    ],
    profiles: [
      { id: 'small', title: 'Small', types: ['t3.medium', 't3a.medium'], price: 0.048 },
      {
        id: 'gpu',
        title: 'Graphics processor',
        description: 'For the vision course.',
        types: ['g4dn.xlarge'],
        groups: ['vision'],
        idleMinutes: 20,
        maxSessionHours: 6,
        price: 0.658,
      },
      {
        id: 'cheap',
        title: 'Large, may be taken back',
        types: ['m7i.large', 'm6i.large'],
        market: 'spot',
        price: 0.05,
      },
    ],
    homes: { sizeGb: 10, maxGb: 50 },
    // Five machines that have booted once wait for those who come for the first time.
    spares: [{ profile: 'small', stopped: 5 }],
  }),
});
