/** Only the configuration: what the command needs without loading the hub. */
export { ConfigError, type ConfigSources, explainIssues, type LoadedConfig, loadConfig, type Origin } from './load.ts';
export { nearest } from './nearest.ts';
export { configReference, pluginReference, starterConfig } from './reference.ts';
export { defineConfig, type HubConfig, type HubConfigInput, HubConfigSchema } from './schema.ts';
export { type ShownSetting, showConfig } from './show.ts';
