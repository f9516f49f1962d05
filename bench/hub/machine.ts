import { cpus, loadavg, release, totalmem } from 'node:os';
import { JUPYTERHUB, PROXY } from './jupyterhub.ts';

/** What the figures were measured on. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  jupyterhub: string;
  configurableHttpProxy: string;
  /** 1-minute load average at the end: what else went on. */
  load: number;
}

export function machineFacts(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    jupyterhub: JUPYTERHUB,
    configurableHttpProxy: PROXY,
    load: loadavg()[0] ?? 0,
  };
}

/** In one sentence. */
export function describe(machine: Machine): string {
  const { cpu, cores, memoryGiB, kernel, node, jupyterhub, configurableHttpProxy, load } = machine;
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB; Linux ${kernel}; Node ${node}; JupyterHub ${jupyterhub} with`,
    `configurable-http-proxy ${configurableHttpProxy}; load average at the end ${load.toFixed(1)}`,
  ].join(' ');
}
