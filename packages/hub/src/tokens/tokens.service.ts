export { deleteServerTokens, putServerToken, type ServerToken } from './tokens.repo.ts';
