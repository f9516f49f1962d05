import { describeSpawner } from '@atrium/sdk/testing';
import { processWorld } from './test-world.ts';

describeSpawner('process, as far apart as this machine allows', () => processWorld({ isolation: 'auto' }));
describeSpawner('process, not kept apart', () => processWorld({ isolation: 'none' }));
