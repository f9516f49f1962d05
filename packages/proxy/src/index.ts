export type { Limits, ProxyStats } from './context.ts';
export { type ProxyOptions, type RunningProxy, startProxy } from './proxy.ts';
