import { describeSpawner } from '@atrium/sdk/testing';
import { kitWorld } from './testing/kit-world.ts';

describeSpawner('ec2, on the simulator', () => kitWorld());
