import type { ServiceEvent, ServiceListener, ServiceRunner } from '@atrium/hub/services';
import type { FromHub } from './messages.ts';

/** The hub's end of the services that the supervisor runs. */
export interface ServiceChannel extends ServiceRunner {
  hear(event: ServiceEvent): void;
}

export function serviceChannel(send: (message: FromHub) => void): ServiceChannel {
  let current: ServiceListener | undefined;
  return {
    settle: (order) => send({ type: 'services', order }),
    listen(listener) {
      current = listener;
      send({ type: 'services-listen' });
    },
    unlisten(listener) {
      if (current === listener) current = undefined;
    },
    hear: (event) => current?.(event),
  };
}
