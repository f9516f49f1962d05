export { ownAccount } from './own-account.ts';
export { createServiceRunner } from './runner.ts';
export type {
  RunnerOptions,
  ServiceAccount,
  ServiceEvent,
  ServiceListener,
  ServiceOrder,
  ServiceProcess,
  ServiceRunner,
} from './types.ts';
