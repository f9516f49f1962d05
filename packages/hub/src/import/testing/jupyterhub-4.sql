BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0eee8c825d24');
CREATE TABLE api_tokens (
	user_id INTEGER, 
	service_id INTEGER, 
	id INTEGER NOT NULL, 
	hashed VARCHAR(255), 
	prefix VARCHAR(16), 
	client_id VARCHAR(255), 
	session_id VARCHAR(255), 
	created DATETIME, 
	expires_at DATETIME, 
	last_activity DATETIME, 
	note VARCHAR(1023), 
	scopes TEXT, 
	CONSTRAINT pk_api_tokens PRIMARY KEY (id), 
	CONSTRAINT fk_api_tokens_user_id_users FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT fk_api_tokens_service_id_services FOREIGN KEY(service_id) REFERENCES services (id) ON DELETE CASCADE, 
	CONSTRAINT uq_api_tokens_hashed UNIQUE (hashed), 
	CONSTRAINT fk_api_tokens_client_id_oauth_clients FOREIGN KEY(client_id) REFERENCES oauth_clients (identifier) ON DELETE CASCADE
);
INSERT INTO "api_tokens" VALUES(1,NULL,1,'sha512:1:4c1040cb21cb96c3:88c5a8fc9c710cd66b12bccca2384a21234f018314709d98b142316825f2b1a93d243885081e4deffd75f07267dd1c48599c1a628f05e1dcdfbdf946bf79533e','4953','jupyterhub',NULL,'2026-11-21 17:46:50.060351',NULL,NULL,'made by the page','["inherit"]');
INSERT INTO "api_tokens" VALUES(2,NULL,2,'sha512:1:3a58107f87dd1f93:124edf69bb396c89a2a14412ca741bdb631aba842a875721a77076501be3c825397ee5fd4d04afb11f00019a40eaabd9a91c2171a8c3ce0d25e132284d99f304','be26','jupyterhub',NULL,'2026-11-21 17:46:50.069256',NULL,NULL,'for a script','["read:users!user=bob"]');
INSERT INTO "api_tokens" VALUES(2,NULL,3,'sha512:16384:9b4b39efd4b5ac0c:330caa2f92e440fe86c64aaebadd2f33aaaccf9c9b8ba2c55d4d965a5c4e5e57a29cff1646e78712cd652e59fec0bf25418a0ce48de801f4c13b889105b4fdf1','a-to','jupyterhub',NULL,'2026-11-21 17:46:50.076336',NULL,NULL,'of the configuration','["inherit"]');
INSERT INTO "api_tokens" VALUES(NULL,1,4,'sha512:16384:24da18cd33526b32:cae7d3574f2e123537a1065be8df47d2bb4dff4272d75a49079f32a3cf9fd8d58d132f7a38779895c8e4d3f5fa8c6399a3760292f74bdef1bd423c11cb6be88b','the-','jupyterhub',NULL,'2026-11-21 17:46:50.081716',NULL,NULL,'from config','["inherit"]');
INSERT INTO "api_tokens" VALUES(3,NULL,5,'sha512:1:523f195665e57be5:c8064a24198e8d0d57cde9850979e70270b1c283fa0cabff9680fc734eeed80486397c746fc1495b7b433a8fa1c975bb711d7928545f061c4394eb5575c6c62e','968a','jupyterhub',NULL,'2026-11-21 17:46:50.084738','2020-01-01 00:00:00.000000',NULL,'over','["inherit"]');
INSERT INTO "api_tokens" VALUES(3,NULL,6,'sha512:1:f5a482fc95fb6691:6ccfedbb94872c12674c586badf53f2fcbb61db81af732600cc24f55de9a915c175ee1151d3286c13d54641650e7867dd9c651420b9a7b17947471858ecdc201','a814','jupyterhub',NULL,'2026-11-21 17:46:50.087626',NULL,NULL,'Server at /user/eve/','["inherit"]');
INSERT INTO "api_tokens" VALUES(5,NULL,7,'sha512:1:5554f2373160ddda:6d48ac23c7be382e9e8bb2042cd73584769cd72b950560d697b86a26f336819464a50be164bfcb0a0070ab78293b738b9b53490a4a1a8bda9c2d9f62e2417fb2','1332','jupyterhub',NULL,'2026-11-21 17:46:50.090932',NULL,NULL,'of somebody who cannot be','["inherit"]');
CREATE TABLE group_role_map (
	group_id INTEGER NOT NULL, 
	role_id INTEGER NOT NULL, 
	CONSTRAINT pk_group_role_map PRIMARY KEY (group_id, role_id), 
	CONSTRAINT fk_group_role_map_group_id_groups FOREIGN KEY(group_id) REFERENCES groups (id) ON DELETE CASCADE, 
	CONSTRAINT fk_group_role_map_role_id_roles FOREIGN KEY(role_id) REFERENCES roles (id) ON DELETE CASCADE
);
CREATE TABLE groups (
	id INTEGER NOT NULL, 
	name VARCHAR(255), 
	properties TEXT, 
	CONSTRAINT pk_groups PRIMARY KEY (id), 
	CONSTRAINT uq_groups_name UNIQUE (name)
);
INSERT INTO "groups" VALUES(1,'biology','{"room": 7, "tags": ["a", "b"]}');
INSERT INTO "groups" VALUES(2,'physics','{}');
CREATE TABLE oauth_clients (
	id INTEGER NOT NULL, 
	identifier VARCHAR(255), 
	description VARCHAR(1023), 
	secret VARCHAR(255), 
	redirect_uri VARCHAR(1023), 
	allowed_scopes TEXT, 
	CONSTRAINT pk_oauth_clients PRIMARY KEY (id), 
	CONSTRAINT uq_oauth_clients_identifier UNIQUE (identifier)
);
INSERT INTO "oauth_clients" VALUES(1,'jupyterhub','jupyterhub','','','[]');
CREATE TABLE oauth_codes (
	id INTEGER NOT NULL, 
	client_id VARCHAR(255), 
	code VARCHAR(36), 
	expires_at INTEGER, 
	redirect_uri VARCHAR(1023), 
	session_id VARCHAR(255), 
	user_id INTEGER, 
	scopes TEXT, 
	CONSTRAINT pk_oauth_codes PRIMARY KEY (id), 
	CONSTRAINT fk_oauth_codes_client_id_oauth_clients FOREIGN KEY(client_id) REFERENCES oauth_clients (identifier) ON DELETE CASCADE, 
	CONSTRAINT fk_oauth_codes_user_id_users FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE TABLE roles (
	id INTEGER NOT NULL, 
	name VARCHAR(255), 
	description VARCHAR(1023), 
	scopes TEXT, 
	CONSTRAINT pk_roles PRIMARY KEY (id), 
	CONSTRAINT uq_roles_name UNIQUE (name)
);
INSERT INTO "roles" VALUES(1,'user','Standard user privileges','["self"]');
INSERT INTO "roles" VALUES(2,'admin','Elevated privileges (can do anything)','["admin-ui", "admin:users", "admin:servers", "tokens", "admin:groups", "list:services", "read:services", "read:hub", "proxy", "shutdown", "access:services", "access:servers", "read:roles", "read:metrics"]');
INSERT INTO "roles" VALUES(3,'server','Post activity only','["users:activity!user", "access:servers!server"]');
INSERT INTO "roles" VALUES(4,'token','Token with same permissions as its owner','["inherit"]');
INSERT INTO "roles" VALUES(5,'teaching','May look at people','["read:users", "list:users"]');
CREATE TABLE servers (
	id INTEGER NOT NULL, 
	proto VARCHAR(15), 
	ip VARCHAR(255), 
	port INTEGER, 
	base_url VARCHAR(255), 
	cookie_name VARCHAR(255), 
	CONSTRAINT pk_servers PRIMARY KEY (id)
);
INSERT INTO "servers" VALUES(1,'http','',43745,'/','cookie');
CREATE TABLE service_role_map (
	service_id INTEGER NOT NULL, 
	role_id INTEGER NOT NULL, 
	CONSTRAINT pk_service_role_map PRIMARY KEY (service_id, role_id), 
	CONSTRAINT fk_service_role_map_service_id_services FOREIGN KEY(service_id) REFERENCES services (id) ON DELETE CASCADE, 
	CONSTRAINT fk_service_role_map_role_id_roles FOREIGN KEY(role_id) REFERENCES roles (id) ON DELETE CASCADE
);
INSERT INTO "service_role_map" VALUES(1,5);
CREATE TABLE services (
	id INTEGER NOT NULL, 
	name VARCHAR(255), 
	admin BOOLEAN, 
	_server_id INTEGER, 
	pid INTEGER, 
	oauth_client_id VARCHAR(255), 
	CONSTRAINT pk_services PRIMARY KEY (id), 
	CONSTRAINT uq_services_name UNIQUE (name), 
	CONSTRAINT fk_services__server_id_servers FOREIGN KEY(_server_id) REFERENCES servers (id) ON DELETE SET NULL, 
	CONSTRAINT fk_services_oauth_client_id_oauth_clients FOREIGN KEY(oauth_client_id) REFERENCES oauth_clients (identifier) ON DELETE SET NULL
);
INSERT INTO "services" VALUES(1,'grader',0,NULL,NULL,NULL);
CREATE TABLE spawners (
	id INTEGER NOT NULL, 
	user_id INTEGER, 
	server_id INTEGER, 
	state TEXT, 
	name VARCHAR(255), 
	started DATETIME, 
	last_activity DATETIME, 
	user_options TEXT, 
	oauth_client_id VARCHAR(255), 
	CONSTRAINT pk_spawners PRIMARY KEY (id), 
	CONSTRAINT fk_spawners_user_id_users FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT fk_spawners_server_id_servers FOREIGN KEY(server_id) REFERENCES servers (id) ON DELETE SET NULL, 
	CONSTRAINT fk_spawners_oauth_client_id_oauth_clients FOREIGN KEY(oauth_client_id) REFERENCES oauth_clients (identifier) ON DELETE SET NULL
);
INSERT INTO "spawners" VALUES(1,2,NULL,NULL,'thesis',NULL,NULL,'{"profile": "big", "seats": 3}',NULL);
INSERT INTO "spawners" VALUES(2,2,NULL,NULL,'My Big Server!',NULL,NULL,'{"file": {"__jupyterhub_bytes__": true, "data": "Ynl0ZXMgb2YgYSBmaWxl\n"}}',NULL);
INSERT INTO "spawners" VALUES(3,2,NULL,NULL,'',NULL,NULL,NULL,NULL);
INSERT INTO "spawners" VALUES(4,3,1,NULL,'',NULL,NULL,'{"profile": "small"}',NULL);
CREATE TABLE user_group_map (
	user_id INTEGER NOT NULL, 
	group_id INTEGER NOT NULL, 
	CONSTRAINT pk_user_group_map PRIMARY KEY (user_id, group_id), 
	CONSTRAINT fk_user_group_map_user_id_users FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT fk_user_group_map_group_id_groups FOREIGN KEY(group_id) REFERENCES groups (id) ON DELETE CASCADE
);
INSERT INTO "user_group_map" VALUES(1,2);
INSERT INTO "user_group_map" VALUES(2,1);
INSERT INTO "user_group_map" VALUES(3,1);
CREATE TABLE user_role_map (
	user_id INTEGER NOT NULL, 
	role_id INTEGER NOT NULL, 
	CONSTRAINT pk_user_role_map PRIMARY KEY (user_id, role_id), 
	CONSTRAINT fk_user_role_map_user_id_users FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT fk_user_role_map_role_id_roles FOREIGN KEY(role_id) REFERENCES roles (id) ON DELETE CASCADE
);
INSERT INTO "user_role_map" VALUES(1,2);
INSERT INTO "user_role_map" VALUES(1,1);
INSERT INTO "user_role_map" VALUES(2,1);
INSERT INTO "user_role_map" VALUES(3,1);
INSERT INTO "user_role_map" VALUES(4,1);
INSERT INTO "user_role_map" VALUES(5,1);
INSERT INTO "user_role_map" VALUES(2,5);
CREATE TABLE users (
	id INTEGER NOT NULL, 
	name VARCHAR(255), 
	admin BOOLEAN, 
	created DATETIME, 
	last_activity DATETIME, 
	cookie_id VARCHAR(255) NOT NULL, 
	state TEXT, 
	encrypted_auth_state BLOB, 
	CONSTRAINT pk_users PRIMARY KEY (id), 
	CONSTRAINT uq_users_name UNIQUE (name), 
	CONSTRAINT uq_users_cookie_id UNIQUE (cookie_id)
);
INSERT INTO "users" VALUES(1,'ada',1,'2026-11-21 17:46:49.946682',NULL,'6504155734c24d158a45b8374bfad7e0',NULL,X'674141414141427241646B4B697A374E306D39766A78315A695A7672756A774E45585F4E66484F534C6C35794A7458314345503375394B6261714534506B6D664C65453174467151712D4F4C6F522D75736C4B4B6D5676536655567039623275714B664E717A57556B7873494E6A6E753161775F4C5F383D');
INSERT INTO "users" VALUES(2,'bob',0,'2026-11-21 17:46:49.964152','2026-03-04 05:06:07.891000','9303a9e115cd448a8770870a23e5742b',NULL,NULL);
INSERT INTO "users" VALUES(3,'eve',0,'2026-11-21 17:46:49.996773',NULL,'8b98bf2e240d4a15ba43f25b163f99bf',NULL,X'674141414141427241646B4B4B325933777A4C51504852347A317834317752646A6F6A4555394C625A7156683653754C516E736E666A744D787374785276494B6C65442D507A53672D776D6261456F613277767375316D725262545F514631766B7A5237617032396977725F55744734303538363561513D');
INSERT INTO "users" VALUES(4,'Grace.Hopper',0,'2026-11-21 17:46:50.016798',NULL,'efb15c193da345a4917ca1d5007a4ed6',NULL,NULL);
INSERT INTO "users" VALUES(5,' .. ',0,'2026-11-21 17:46:50.023619',NULL,'ac947c79ba364cdf8fed5f377ee15ad4',NULL,NULL);
CREATE TABLE users_info (id integer primary key, username varchar(128));
INSERT INTO "users_info" VALUES(1,'ada');
CREATE INDEX ix_api_tokens_prefix ON api_tokens (prefix);
COMMIT;
