export type { Limits, ProxyStats } from './context.ts';
export { type Proxy, type ProxyOptions, startProxy } from './proxy.ts';
