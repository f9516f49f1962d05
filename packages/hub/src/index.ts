export { ConfigError, type LoadedConfig, loadConfig } from './config/load.ts';
export { defineConfig, type HubConfig, type HubConfigInput, HubConfigSchema } from './config/schema.ts';
export type { AppContext } from './context.ts';
export { createHub, type Hub, type HubOptions, type Listen, openContext } from './hub.ts';
