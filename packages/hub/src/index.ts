export { defineConfig, type HubConfig, type HubConfigInput, HubConfigSchema } from './config/schema.ts';
