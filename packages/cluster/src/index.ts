export { type AnyClient, type Aws, awsClients } from './aws/clients.ts';
export {
  type ClusterConfig,
  type ClusterConfigInput,
  ClusterConfigSchema,
  ClusterError,
  ClusterProfile,
  readClusterConfig,
} from './config.ts';
export { costPage } from './cost-page.ts';
export { type DownOptions, type DownResult, downCluster, type Remaining } from './down.ts';
export type { Probe, ProbeResult } from './engine/part.ts';
export { type CostInput, estimates, type MonthlyCost, monthlyCost } from './estimate.ts';
export { exportCloudFormation, exportPolicy } from './export.ts';
export { type PrepareInput, prepareManager } from './manager/prepare.ts';
export { type SettingsInput, writeSettings } from './manager/settings.ts';
export { snapshotHubData } from './manager/snapshot.ts';
export type { ClusterFacts } from './parts/settings.ts';
export { planCluster } from './plan.ts';
export { managerPolicy } from './policies/manager.ts';
export { operatorPolicy } from './policies/operator.ts';
export { BUILT_IN, HOURS_PER_MONTH, type PriceTable } from './prices.ts';
export { httpsProbe, pinOf } from './probe.ts';
export { type Rebuilt, rebuildRows } from './rebuild.ts';
export { dollars, type Plan, planText } from './render.ts';
export { type ClusterInput, openScene } from './scene.ts';
export { type ClusterStatus, type Remark, statusOfCluster } from './status.ts';
export { type UpResult, upCluster } from './up.ts';
export { upgradeCluster } from './upgrade.ts';
