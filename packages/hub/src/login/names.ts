import { validUserName } from '../users/users.service.ts';

/** What is wrong with a name that somebody chooses for themselves, or null. Stricter than what a sign-in accepts. */
export function nameProblem(name: string): string | null {
  const usual = /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._@+-]{0,63}$/u.test(name) && name === name.normalize('NFKC');
  if (usual && validUserName(name)) return null;
  return 'A name has up to 64 letters and digits, and . _ - @ + between them.';
}
