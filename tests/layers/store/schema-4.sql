BEGIN TRANSACTION;
CREATE TABLE audit (
	seq INTEGER NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	"by" TEXT NOT NULL, 
	partner TEXT NOT NULL, 
	action VARCHAR(40) NOT NULL, 
	layer_id VARCHAR(200), 
	version INTEGER, 
	detail TEXT NOT NULL, 
	chain VARCHAR(64) NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "audit" VALUES(1,'2026-06-01T12:00:00.000000Z','system','','user-added',NULL,NULL,'{"partner":"westshire","role":"analyst","user":"wes"}','61544fec48bb3951e0da9e5899b2de62677ec85b1bcf47109ae5703dd5f99dc8');
INSERT INTO "audit" VALUES(2,'2026-06-01T12:00:00.000000Z','system','','user-added',NULL,NULL,'{"partner":"westshire","role":"analyst","user":"will"}','abd0f816a96e5479412b293b7cade30afef289b57a8c7f2e12977d12b974be65');
INSERT INTO "audit" VALUES(3,'2026-06-01T12:00:00.000000Z','wes','westshire','draft-begun',NULL,NULL,'{"filename":"good.csv","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":3}','c60bc3ed2b39acb759f93de9025861a4332f11042c58d8111b9aef7bbd14d996');
INSERT INTO "audit" VALUES(4,'2026-06-01T12:00:00.000000Z','wes','westshire','draft-begun',NULL,NULL,'{"filename":"back.csv","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":3}','3cf0227d7494bdc85b6bea34b1e549f7b65e0278e2cf681463d0f316227a5c95');
INSERT INTO "audit" VALUES(5,'2026-06-01T12:00:00.000000Z','wes','westshire','draft-begun',NULL,NULL,'{"filename":"asked.csv","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":3}','0b69ad630b8549bbe3075504d8119620e17ad1e7d9eae7261feda5a209f170af');
INSERT INTO "audit" VALUES(6,'2026-06-01T12:00:00.000000Z','wes','westshire','draft-begun',NULL,NULL,'{"filename":"recalled.csv","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":3}','c4e4fd07e234ee97f6e0854d7931f5708cffaa24265349e0245adf0bdf9b5d50');
INSERT INTO "audit" VALUES(7,'2026-06-01T12:00:00.000000Z','wes','westshire','draft-begun',NULL,NULL,'{"filename":"new.csv","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":3}','4a954fef07430cb86b3a854bd819a50af85d1ac071ec062cc7c19cc2fddfbebb');
INSERT INTO "audit" VALUES(8,'2026-06-01T12:00:00.000000Z','wes','westshire','briefing-draft-begun',NULL,NULL,'{"draft":"3067850811c57f5d","partner":"westshire"}','e42ce4d9fe669521a537ed0b2f258f0aafb373e55ad012ca1b936faae922f952');
INSERT INTO "audit" VALUES(9,'2026-06-01T12:00:00.000000Z','wes','westshire','briefing-check-asked',NULL,NULL,'{"draft":"3067850811c57f5d","of":"will","partner":"westshire"}','d8e96c8e22ff13d7901d03d640154c2c77a6aa4749be06857cdf75de697eb055');
INSERT INTO "audit" VALUES(10,'2026-06-01T12:00:00.000000Z','will','westshire','briefing-checked',NULL,NULL,'{"draft":"3067850811c57f5d","partner":"westshire","sha256":"497c1e9e130283537806280b8278194d31d938012c3c82dfe994dad732465e6f"}','cfa9e1a7e953c4a669f53770b9a7390aa2bef29063a09490366e20fe5e36767f');
CREATE TABLE briefing_drafts (
	id VARCHAR(40) NOT NULL, 
	briefing_id VARCHAR(80) NOT NULL, 
	base_version INTEGER NOT NULL, 
	partner TEXT NOT NULL, 
	made_at VARCHAR(32) NOT NULL, 
	made_by TEXT NOT NULL, 
	changed_at VARCHAR(32) NOT NULL, 
	changed_by TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	authors TEXT NOT NULL, 
	asked_of TEXT NOT NULL, 
	asked_by TEXT NOT NULL, 
	asked_at VARCHAR(32), 
	asked_note TEXT NOT NULL, 
	checked_by TEXT NOT NULL, 
	checked_at VARCHAR(32), 
	PRIMARY KEY (id)
);
INSERT INTO "briefing_drafts" VALUES('3067850811c57f5d','',0,'westshire','2026-06-01T12:00:00.000000Z','wes','2026-06-01T12:00:00.000000Z','wes',1,'---
title: Noise at night
partner: westshire
audience: public
---
# Noise at night

It is loud here.
','["wes"]','will','wes','2026-06-01T12:00:00.000000Z','Is it fair?','will','2026-06-01T12:00:00.000000Z');
CREATE TABLE briefing_pointers (
	seq INTEGER NOT NULL, 
	briefing_id VARCHAR(80) NOT NULL, 
	action VARCHAR(20) NOT NULL, 
	version INTEGER, 
	at VARCHAR(32) NOT NULL, 
	"by" TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(briefing_id, version) REFERENCES briefing_versions (briefing_id, version), 
	CONSTRAINT only_a_withdrawn_briefing_points_nowhere CHECK ((version IS NULL) = (action = 'withdraw')), 
	FOREIGN KEY(seq) REFERENCES audit (seq), 
	FOREIGN KEY(briefing_id) REFERENCES briefings (id)
);
CREATE TABLE briefing_versions (
	briefing_id VARCHAR(80) NOT NULL, 
	version INTEGER NOT NULL, 
	published_at VARCHAR(32) NOT NULL, 
	published_by TEXT NOT NULL, 
	note TEXT NOT NULL, 
	checked_by TEXT NOT NULL, 
	checked_at VARCHAR(32), 
	title TEXT NOT NULL, 
	audience VARCHAR(20) NOT NULL, 
	review_on VARCHAR(10) NOT NULL, 
	text TEXT NOT NULL, 
	pins TEXT NOT NULL, 
	facts TEXT NOT NULL, 
	text_sha256 VARCHAR(64) NOT NULL, 
	record_sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (briefing_id, version), 
	CONSTRAINT briefing_versions_count_from_one CHECK (version >= 1), 
	FOREIGN KEY(briefing_id) REFERENCES briefings (id)
);
CREATE TABLE briefings (
	id VARCHAR(80) NOT NULL, 
	partner TEXT NOT NULL, 
	made_at VARCHAR(32) NOT NULL, 
	made_by TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE contents (
	layer_id VARCHAR(200) NOT NULL, 
	version INTEGER NOT NULL, 
	part VARCHAR(10) NOT NULL, 
	parquet BLOB NOT NULL, 
	PRIMARY KEY (layer_id, version, part), 
	FOREIGN KEY(layer_id, version) REFERENCES versions (layer_id, version), 
	CONSTRAINT contents_are_values_or_table CHECK (part IN ('values', 'table'))
);
CREATE TABLE drafts (
	id VARCHAR(40) NOT NULL, 
	partner TEXT NOT NULL, 
	made_at VARCHAR(32) NOT NULL, 
	made_by TEXT NOT NULL, 
	changed_at VARCHAR(32) NOT NULL, 
	changed_by TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	filename TEXT NOT NULL, 
	size INTEGER NOT NULL, 
	file_sha256 VARCHAR(64) NOT NULL, 
	answers TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "drafts" VALUES('dc1ae3ec6446128b','westshire','2026-06-01T12:00:00.000000Z','wes','2026-06-01T12:00:00.000000Z','wes',1,'good.csv',3,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','{"kind":"indicator","said":{"title":"good"},"done":["columns"],"check":{"asked_of":"will","asked_by":"wes","asked_at":"2026-06-01T12:00:00+00:00","words":"The units?","verdict":"good","by":"will","at":"2026-06-02T09:30:00.250000+00:00","reply":"Fine.","fingerprint":"42381ec37b1980fe"}}');
INSERT INTO "drafts" VALUES('8f701647693a468e','westshire','2026-06-01T12:00:00.000000Z','wes','2026-06-01T12:00:00.000000Z','wes',1,'back.csv',3,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','{"kind":"indicator","said":{"title":"back"},"done":["columns"],"check":{"asked_of":"will","asked_by":"wes","asked_at":"2026-06-01T12:00:00+00:00","words":"The units?","verdict":"back","by":"will","at":"2026-06-02T09:30:00+00:00","reply":"No.","fingerprint":"358d4f1b2130396d"}}');
INSERT INTO "drafts" VALUES('e9045924ebf88948','westshire','2026-06-01T12:00:00.000000Z','wes','2026-06-01T12:00:00.000000Z','wes',1,'asked.csv',3,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','{"kind":"indicator","said":{"title":"asked"},"done":["columns"],"check":{"asked_of":"will","asked_by":"wes","asked_at":"2026-06-01T12:00:00+00:00","words":"The units?"}}');
INSERT INTO "drafts" VALUES('c454585c57574cea','westshire','2026-06-01T12:00:00.000000Z','wes','2026-06-01T12:00:00.000000Z','wes',1,'recalled.csv',3,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','{"kind":"indicator","said":{"title":"recalled"},"done":["columns"],"check":{}}');
INSERT INTO "drafts" VALUES('8f13a63359ba5963','westshire','2026-06-01T12:00:00.000000Z','wes','2026-06-01T12:00:00.000000Z','wes',1,'new.csv',3,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','{"kind":"indicator","said":{"title":"new"},"done":["columns"]}');
CREATE TABLE failures (
	"key" VARCHAR(64) NOT NULL, 
	count INTEGER NOT NULL, 
	last_at VARCHAR(32) NOT NULL, 
	blocked_until VARCHAR(32), 
	PRIMARY KEY ("key")
);
CREATE TABLE layers (
	id VARCHAR(200) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	made_at VARCHAR(32) NOT NULL, 
	made_by TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE meta (
	one INTEGER NOT NULL, 
	schema_version INTEGER NOT NULL, 
	region_id TEXT NOT NULL, 
	vintages TEXT NOT NULL, 
	made_at VARCHAR(32) NOT NULL, 
	filled_at VARCHAR(32), 
	generation INTEGER NOT NULL, 
	layers_sha256 VARCHAR(64), 
	areas_sha256 VARCHAR(64), 
	PRIMARY KEY (one), 
	CONSTRAINT meta_is_one_row CHECK (one = 1)
);
INSERT INTO "meta" VALUES(1,4,'tiny','{"lad":2024,"lsoa":2021,"ward":2024}','2026-06-01T12:00:00.000000Z',NULL,1,NULL,NULL);
CREATE TABLE pack_layers (
	layer_id VARCHAR(200) NOT NULL, 
	version INTEGER, 
	offered_sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (layer_id), 
	FOREIGN KEY(layer_id, version) REFERENCES versions (layer_id, version), 
	FOREIGN KEY(layer_id) REFERENCES layers (id)
);
CREATE TABLE pointers (
	seq INTEGER NOT NULL, 
	layer_id VARCHAR(200) NOT NULL, 
	action VARCHAR(20) NOT NULL, 
	version INTEGER, 
	at VARCHAR(32) NOT NULL, 
	effective_at VARCHAR(32), 
	"by" TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(layer_id, version) REFERENCES versions (layer_id, version), 
	CONSTRAINT only_a_withdrawal_points_nowhere CHECK ((version IS NULL) = (action = 'withdraw')), 
	FOREIGN KEY(seq) REFERENCES audit (seq), 
	FOREIGN KEY(layer_id) REFERENCES layers (id)
);
CREATE TABLE sessions (
	token_sha256 VARCHAR(64) NOT NULL, 
	user VARCHAR(200) NOT NULL, 
	started_at VARCHAR(32) NOT NULL, 
	seen_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (token_sha256), 
	FOREIGN KEY(user) REFERENCES users (name)
);
CREATE TABLE users (
	name VARCHAR(200) NOT NULL, 
	partner TEXT NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	password_hash TEXT, 
	made_at VARCHAR(32) NOT NULL, 
	made_by TEXT NOT NULL, 
	signed_in_at VARCHAR(32), 
	disabled_at VARCHAR(32), 
	PRIMARY KEY (name)
);
INSERT INTO "users" VALUES('wes','westshire','analyst',NULL,'2026-06-01T12:00:00.000000Z','system',NULL,NULL);
INSERT INTO "users" VALUES('will','westshire','analyst',NULL,'2026-06-01T12:00:00.000000Z','system',NULL,NULL);
CREATE TABLE versions (
	layer_id VARCHAR(200) NOT NULL, 
	version INTEGER NOT NULL, 
	published_at VARCHAR(32) NOT NULL, 
	published_by TEXT NOT NULL, 
	effective_at VARCHAR(32), 
	note TEXT NOT NULL, 
	checked_by TEXT NOT NULL, 
	checked_at VARCHAR(32), 
	review_on VARCHAR(10) NOT NULL, 
	file_sha256 VARCHAR(64) NOT NULL, 
	descriptor TEXT NOT NULL, 
	summary TEXT NOT NULL, 
	report TEXT NOT NULL, 
	changes TEXT NOT NULL, 
	values_sha256 VARCHAR(64) NOT NULL, 
	table_sha256 VARCHAR(64) NOT NULL, 
	record_sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (layer_id, version), 
	CONSTRAINT versions_count_from_one CHECK (version >= 1), 
	FOREIGN KEY(layer_id) REFERENCES layers (id)
);
CREATE INDEX audit_by_layer ON audit (layer_id, seq);
CREATE INDEX ix_sessions_user ON sessions (user);
CREATE INDEX pointers_by_layer ON pointers (layer_id, seq);
CREATE INDEX briefing_pointers_by_briefing ON briefing_pointers (briefing_id, seq);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is never changed, only added to'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is never changed, only added to'); END;
CREATE TRIGGER versions_no_update BEFORE UPDATE ON versions BEGIN SELECT RAISE(ABORT, 'versions is never changed, only added to'); END;
CREATE TRIGGER versions_no_delete BEFORE DELETE ON versions BEGIN SELECT RAISE(ABORT, 'versions is never changed, only added to'); END;
CREATE TRIGGER contents_no_update BEFORE UPDATE ON contents BEGIN SELECT RAISE(ABORT, 'contents is never changed, only added to'); END;
CREATE TRIGGER contents_no_delete BEFORE DELETE ON contents BEGIN SELECT RAISE(ABORT, 'contents is never changed, only added to'); END;
CREATE TRIGGER pointers_no_update BEFORE UPDATE ON pointers BEGIN SELECT RAISE(ABORT, 'pointers is never changed, only added to'); END;
CREATE TRIGGER pointers_no_delete BEFORE DELETE ON pointers BEGIN SELECT RAISE(ABORT, 'pointers is never changed, only added to'); END;
CREATE TRIGGER briefings_no_update BEFORE UPDATE ON briefings BEGIN SELECT RAISE(ABORT, 'briefings is never changed, only added to'); END;
CREATE TRIGGER briefings_no_delete BEFORE DELETE ON briefings BEGIN SELECT RAISE(ABORT, 'briefings is never changed, only added to'); END;
CREATE TRIGGER briefing_versions_no_update BEFORE UPDATE ON briefing_versions BEGIN SELECT RAISE(ABORT, 'briefing_versions is never changed, only added to'); END;
CREATE TRIGGER briefing_versions_no_delete BEFORE DELETE ON briefing_versions BEGIN SELECT RAISE(ABORT, 'briefing_versions is never changed, only added to'); END;
CREATE TRIGGER briefing_pointers_no_update BEFORE UPDATE ON briefing_pointers BEGIN SELECT RAISE(ABORT, 'briefing_pointers is never changed, only added to'); END;
CREATE TRIGGER briefing_pointers_no_delete BEFORE DELETE ON briefing_pointers BEGIN SELECT RAISE(ABORT, 'briefing_pointers is never changed, only added to'); END;
COMMIT;
