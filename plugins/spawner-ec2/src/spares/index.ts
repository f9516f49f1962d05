export { type SpareWanted, settleSpare, takeSpare } from './take-spare.ts';
