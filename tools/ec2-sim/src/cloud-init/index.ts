export { parseUserData, type UserData, type WrittenFile } from './parse.ts';
export { writeFiles } from './write-files.ts';
