import type { Command } from '../cli/command.ts';
import { authExplain } from './auth.ts';
import { backup, restore } from './backup.ts';
import { certificate } from './certificate.ts';
import { clusterDown, clusterPlan, clusterRebuild, clusterStatus, clusterUp, clusterUpgrade } from './cluster.ts';
import { clusterSettings, clusterSnapshot } from './cluster-manager.ts';
import { configCheck, configShow, init } from './config.ts';
import { doctor } from './doctor.ts';
import { down } from './down.ts';
import { exportCommand } from './export.ts';
import { groupAdd, groupDelete, groupList, groupRemove } from './group.ts';
import { importJupyterHub } from './import.ts';
import { logs } from './logs.ts';
import { nginxPrint } from './nginx.ts';
import { proxyStatus } from './proxy.ts';
import { restart } from './restart.ts';
import { status } from './status.ts';
import { token } from './token.ts';
import { up } from './up.ts';
import { upkeep } from './upkeep.ts';
import { userAdd, userList, userPasswd, userRemove } from './user.ts';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  up,
  down,
  restart,
  status,
  init,
  configCheck,
  configShow,
  userAdd,
  userList,
  userRemove,
  userPasswd,
  groupList,
  groupAdd,
  groupRemove,
  groupDelete,
  token,
  authExplain,
  logs,
  doctor,
  nginxPrint,
  proxyStatus,
  certificate,
  upkeep,
  backup,
  restore,
  importJupyterHub,
  exportCommand,
  clusterPlan,
  clusterUp,
  clusterStatus,
  clusterUpgrade,
  clusterDown,
  clusterRebuild,
  clusterSettings,
  clusterSnapshot,
];
