export { type Archiving, archiveStep, emptyTrash } from './archive.ts';
export { attachHome } from './attach-home.ts';
export { destroyHome } from './destroy-home.ts';
export { ensureHome, type HomeState, homeMounted, homeZone, recoverHome } from './ensure-home.ts';
export { type HomeTask, homeTaskDone, homeTasks } from './restore.ts';
export { storageDoor, within } from './storage-door.ts';
