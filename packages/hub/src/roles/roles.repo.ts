import { fromJson } from '../db/json.ts';
import type { Db, RoleMembersTable } from '../db/types.ts';

export interface StoredRole {
  name: string;
  description: string;
  scopes: string[];
}

export interface StoredMember {
  role: string;
  kind: RoleMembersTable['kind'];
  /** A person's number; otherwise a name. */
  member: string;
}

export async function listStoredRoles(db: Db): Promise<StoredRole[]> {
  const rows = await db.selectFrom('roles').select(['name', 'description', 'scopes']).orderBy('name').execute();
  return rows.map((row) => ({ ...row, scopes: fromJson<string[]>(row.scopes) ?? [] }));
}

export async function listStoredMembers(db: Db): Promise<StoredMember[]> {
  return db.selectFrom('role_members').select(['role_name as role', 'kind', 'member']).execute();
}
