import { describeSpawner } from '@atrium/sdk/testing';
import { processWorld, warmWorld } from './test-world.ts';

describeSpawner('process, as far apart as this machine allows', () => processWorld({ isolation: 'auto' }));
describeSpawner('process, not kept apart', () => processWorld({ isolation: 'none' }));
describeSpawner('process, warm, as far apart as this machine allows', () => warmWorld());
describeSpawner('process, warm, not kept apart', () => warmWorld({ isolation: 'none' }));
