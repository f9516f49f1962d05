export { recordReady, recordTrouble } from './outcomes.repo.ts';
