import { HubError, type Json, type WorkerIo, type WorkerRequest } from '@atrium/sdk';
import type { Ec2World } from '../world.ts';
import { hello } from './hello.ts';
import { identityVerifier } from './identity.ts';
import { heartbeat, step, taskDone } from './session-verbs.ts';

/** Answers our machines. */
export function workerDoor(world: Ec2World): (request: WorkerRequest, io: WorkerIo) => Promise<Json> {
  const verify = identityVerifier(world.config.identity.certificates);
  return async (request, io) => {
    switch (request.verb) {
      case 'hello':
        return hello(world, verify, request, io);
      case 'step':
        return step(world, request, io);
      case 'heartbeat':
        return heartbeat(world, request, io);
      case 'task':
        return taskDone(world, request, io);
      default:
        throw new HubError('not_found', 'Not Found');
    }
  };
}
