BEGIN TRANSACTION;
CREATE TABLE action (
	id VARCHAR(80) NOT NULL, 
	incident_id VARCHAR(80) NOT NULL, 
	title VARCHAR(200) NOT NULL, 
	owner VARCHAR(200) NOT NULL, 
	due DATE NOT NULL, 
	action_kind VARCHAR(32) NOT NULL, 
	factor TEXT NOT NULL, 
	success_metric TEXT NOT NULL, 
	rationale TEXT NOT NULL, 
	evidence JSON NOT NULL, 
	example BOOLEAN NOT NULL, 
	state VARCHAR(32) NOT NULL, 
	state_reason TEXT NOT NULL, 
	withdrawn_reason TEXT, 
	version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	created_by VARCHAR(200) NOT NULL, 
	updated_at DATETIME NOT NULL, 
	updated_by VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_action PRIMARY KEY (id), 
	CONSTRAINT fk_action_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);
INSERT INTO "action" VALUES('action-9abcdefghi','slow-checkout','Cap the connection pool','team checkout','2026-12-04','prevent','The pool has no upper bound','p99 of checkout under 300 ms for 14 days','The database can''t serve more','[{"snapshot": "20261123T085800Z", "frame": "metrics", "source": "telemetry", "sha256": "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e", "services": ["checkout"], "names": ["latency_p99_ms"], "start": "2026-11-20T14:40:00Z", "end": "2026-11-20T15:00:00Z", "columns": ["time", "value"], "label": "Latency of checkout, 14:40\u201315:00"}]',0,'verified','p99 212 ms, 5 to 19 December',NULL,4,'2026-11-23 09:04:32.123456','Ann','2026-11-23 09:06:14.123456','Łukasz 🚒');
INSERT INTO "action" VALUES('action-jkmnpqrstu','slow-checkout','Alert on pool use','team checkout','2026-12-04','detect','The pool has no upper bound','p99 of checkout under 300 ms for 14 days','The database can''t serve more','[]',0,'dropped','The latency alert is sooner',NULL,2,'2026-11-23 09:06:48.123456','Ann','2026-11-23 09:07:22.123456','Ann');
INSERT INTO "action" VALUES('action-vwxyz23456','slow-checkout','Double','team checkout','2026-12-04','prevent','The pool has no upper bound','p99 of checkout under 300 ms for 14 days','The database can''t serve more','[]',0,'open','','It is there already',2,'2026-11-23 09:07:56.123456','Łukasz 🚒','2026-11-23 09:08:30.123456','Łukasz 🚒');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE history (
	seq BIGINT NOT NULL, 
	at DATETIME NOT NULL, 
	author VARCHAR(200) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	object_id VARCHAR(281) NOT NULL, 
	incident_id VARCHAR(80) NOT NULL, 
	action VARCHAR(32) NOT NULL, 
	"before" TEXT, 
	"after" TEXT NOT NULL, 
	previous_hash VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_history PRIMARY KEY (seq)
);
INSERT INTO "history" VALUES(1,'2026-11-23 09:00:17.123456','Ann','incident','slow-checkout','slow-checkout','added',NULL,'{"created_at":"2026-11-23T09:00:00.123456Z","created_by":"Ann","example":false,"id":"slow-checkout","impact":{"affected_tenants":412,"customer_visible":true,"slos_breached":["checkout availability"],"summary":"Nobody could pay for half an hour.\nSome paid twice — “sorry”."},"milestones":{"acknowledged_at":null,"detected_at":"2026-11-20T14:46:00Z","mitigated_at":"2026-11-20T15:20:00Z","resolved_at":"2026-11-20T15:31:00Z","started_at":"2026-11-20T14:41:07.250001Z"},"services":["checkout","payments"],"severity":"SEV2","title":"Checkout is slow","updated_at":"2026-11-23T09:00:00.123456Z","updated_by":"Ann","version":1}','0000000000000000000000000000000000000000000000000000000000000000','25ee7bd35952aaa15c70fc9c9ec5cdd31522803d209ff6c1f0c6cbd8763bf1dc');
INSERT INTO "history" VALUES(2,'2026-11-23 09:00:51.123456','Ann','incident','2026-11-21.login_loop','2026-11-21.login_loop','added',NULL,'{"created_at":"2026-11-23T09:00:34.123456Z","created_by":"Ann","example":true,"id":"2026-11-21.login_loop","impact":{"affected_tenants":null,"customer_visible":null,"slos_breached":[],"summary":""},"milestones":{"acknowledged_at":null,"detected_at":null,"mitigated_at":null,"resolved_at":null,"started_at":"2026-11-21T00:00:00Z"},"services":[],"severity":"SEV4","title":"ログインが繰り返される","updated_at":"2026-11-23T09:00:34.123456Z","updated_by":"Ann","version":1}','25ee7bd35952aaa15c70fc9c9ec5cdd31522803d209ff6c1f0c6cbd8763bf1dc','e3c76f7b5d544c9cbf5f9612e9ae21f879740d213b55d30089b6f58f7bd54a2e');
INSERT INTO "history" VALUES(3,'2026-11-23 09:01:25.123456','Łukasz 🚒','incident','slow-checkout','slow-checkout','edited','{"created_at":"2026-11-23T09:00:00.123456Z","created_by":"Ann","example":false,"id":"slow-checkout","impact":{"affected_tenants":412,"customer_visible":true,"slos_breached":["checkout availability"],"summary":"Nobody could pay for half an hour.\nSome paid twice — “sorry”."},"milestones":{"acknowledged_at":null,"detected_at":"2026-11-20T14:46:00Z","mitigated_at":"2026-11-20T15:20:00Z","resolved_at":"2026-11-20T15:31:00Z","started_at":"2026-11-20T14:41:07.250001Z"},"services":["checkout","payments"],"severity":"SEV2","title":"Checkout is slow","updated_at":"2026-11-23T09:00:00.123456Z","updated_by":"Ann","version":1}','{"created_at":"2026-11-23T09:00:00.123456Z","created_by":"Ann","example":false,"id":"slow-checkout","impact":{"affected_tenants":412,"customer_visible":true,"slos_breached":["checkout availability"],"summary":"Nobody could pay for half an hour.\nSome paid twice — “sorry”."},"milestones":{"acknowledged_at":null,"detected_at":"2026-11-20T14:46:00Z","mitigated_at":"2026-11-20T15:20:00Z","resolved_at":"2026-11-20T15:31:00Z","started_at":"2026-11-20T14:41:07.250001Z"},"services":["checkout","payments"],"severity":"SEV1","title":"Checkout is slow","updated_at":"2026-11-23T09:01:08.123456Z","updated_by":"Łukasz 🚒","version":2}','e3c76f7b5d544c9cbf5f9612e9ae21f879740d213b55d30089b6f58f7bd54a2e','b9dddf55e653f7febf756c396adc0e545316a0e7eed50073808c67ae22f49720');
INSERT INTO "history" VALUES(4,'2026-11-23 09:01:59.123456','Ann','timeline entry','entry-bcdefghijk','slow-checkout','added',NULL,'{"at":"2026-11-20T14:46:00Z","created_at":"2026-11-23T09:01:42.123456Z","created_by":"Ann","evidence":[{"columns":["time","value"],"end":"2026-11-20T15:00:00Z","frame":"metrics","label":"Latency of checkout, 14:40–15:00","names":["latency_p99_ms"],"services":["checkout"],"sha256":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","snapshot":"20261123T085800Z","source":"telemetry","start":"2026-11-20T14:40:00Z"}],"example":false,"id":"entry-bcdefghijk","incident_id":"slow-checkout","kind":"detection","uncertainty_s":30,"until":null,"updated_at":"2026-11-23T09:01:42.123456Z","updated_by":"Ann","version":1,"what":"The latency alert fired","who":"alerting","why":"p99 over 2 s for 5 min","withdrawn_reason":null}','b9dddf55e653f7febf756c396adc0e545316a0e7eed50073808c67ae22f49720','cf8df3d3e8bc293471a99ce9ea3d33a17e6e2926945f502acd895bf183645e5c');
INSERT INTO "history" VALUES(5,'2026-11-23 09:02:33.123456','Łukasz 🚒','timeline entry','entry-mnpqrstuvw','slow-checkout','added',NULL,'{"at":"2026-11-20T15:05:00Z","created_at":"2026-11-23T09:02:16.123456Z","created_by":"Łukasz 🚒","evidence":[],"example":false,"id":"entry-mnpqrstuvw","incident_id":"slow-checkout","kind":"mitigation","uncertainty_s":0,"until":"2026-11-20T15:20:00Z","updated_at":"2026-11-23T09:02:16.123456Z","updated_by":"Łukasz 🚒","version":1,"what":"Rolled the connection pool back\n\tto 20 connections","who":"on-call","why":"","withdrawn_reason":null}','cf8df3d3e8bc293471a99ce9ea3d33a17e6e2926945f502acd895bf183645e5c','e06943e6a3fe435d45948e0201774d10c2638ad5e332edbe94c2bb28d7af9230');
INSERT INTO "history" VALUES(6,'2026-11-23 09:03:07.123456','Łukasz 🚒','timeline entry','entry-xyz2345678','slow-checkout','added',NULL,'{"at":"2026-11-20T15:00:00Z","created_at":"2026-11-23T09:02:50.123456Z","created_by":"Łukasz 🚒","evidence":[],"example":false,"id":"entry-xyz2345678","incident_id":"slow-checkout","kind":"diagnosis","uncertainty_s":0,"until":null,"updated_at":"2026-11-23T09:02:50.123456Z","updated_by":"Łukasz 🚒","version":1,"what":"DNS was suspected","who":"on-call","why":"","withdrawn_reason":null}','e06943e6a3fe435d45948e0201774d10c2638ad5e332edbe94c2bb28d7af9230','09fc6e60c4e5da90aa13b433e07a2c50d5bf152a6264f00cc88881aaebb4fe8a');
INSERT INTO "history" VALUES(7,'2026-11-23 09:03:41.123456','Łukasz 🚒','timeline entry','entry-xyz2345678','slow-checkout','withdrawn','{"at":"2026-11-20T15:00:00Z","created_at":"2026-11-23T09:02:50.123456Z","created_by":"Łukasz 🚒","evidence":[],"example":false,"id":"entry-xyz2345678","incident_id":"slow-checkout","kind":"diagnosis","uncertainty_s":0,"until":null,"updated_at":"2026-11-23T09:02:50.123456Z","updated_by":"Łukasz 🚒","version":1,"what":"DNS was suspected","who":"on-call","why":"","withdrawn_reason":null}','{"at":"2026-11-20T15:00:00Z","created_at":"2026-11-23T09:02:50.123456Z","created_by":"Łukasz 🚒","evidence":[],"example":false,"id":"entry-xyz2345678","incident_id":"slow-checkout","kind":"diagnosis","uncertainty_s":0,"until":null,"updated_at":"2026-11-23T09:03:24.123456Z","updated_by":"Łukasz 🚒","version":2,"what":"DNS was suspected","who":"on-call","why":"","withdrawn_reason":"It belongs to another incident"}','09fc6e60c4e5da90aa13b433e07a2c50d5bf152a6264f00cc88881aaebb4fe8a','acf71140add1a9b4c88d3e69f5b1028147b48c1151212ba2576baab4666f2263');
INSERT INTO "history" VALUES(8,'2026-11-23 09:04:15.123456','Ann','timeline entry','entry-mnpqrstuvw','slow-checkout','edited','{"at":"2026-11-20T15:05:00Z","created_at":"2026-11-23T09:02:16.123456Z","created_by":"Łukasz 🚒","evidence":[],"example":false,"id":"entry-mnpqrstuvw","incident_id":"slow-checkout","kind":"mitigation","uncertainty_s":0,"until":"2026-11-20T15:20:00Z","updated_at":"2026-11-23T09:02:16.123456Z","updated_by":"Łukasz 🚒","version":1,"what":"Rolled the connection pool back\n\tto 20 connections","who":"on-call","why":"","withdrawn_reason":null}','{"at":"2026-11-20T15:05:00Z","created_at":"2026-11-23T09:02:16.123456Z","created_by":"Łukasz 🚒","evidence":[],"example":false,"id":"entry-mnpqrstuvw","incident_id":"slow-checkout","kind":"mitigation","uncertainty_s":0,"until":"2026-11-20T15:20:00Z","updated_at":"2026-11-23T09:03:58.123456Z","updated_by":"Ann","version":2,"what":"Rolled the connection pool back\n\tto 20 connections","who":"on-call","why":"The pool had been doubled on the 19th","withdrawn_reason":null}','acf71140add1a9b4c88d3e69f5b1028147b48c1151212ba2576baab4666f2263','e1c227e640ac696e59f96633fb0db8aeaa01a359cc3aa194492e3af62d5bdeed');
INSERT INTO "history" VALUES(9,'2026-11-23 09:04:49.123456','Ann','action','action-9abcdefghi','slow-checkout','added',NULL,'{"created_at":"2026-11-23T09:04:32.123456Z","created_by":"Ann","due":"2026-12-04","evidence":[{"columns":["time","value"],"end":"2026-11-20T15:00:00Z","frame":"metrics","label":"Latency of checkout, 14:40–15:00","names":["latency_p99_ms"],"services":["checkout"],"sha256":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","snapshot":"20261123T085800Z","source":"telemetry","start":"2026-11-20T14:40:00Z"}],"example":false,"factor":"The pool has no upper bound","id":"action-9abcdefghi","incident_id":"slow-checkout","kind":"prevent","owner":"team checkout","rationale":"The database can''t serve more","state":"open","state_reason":"","success_metric":"p99 of checkout under 300 ms for 14 days","title":"Cap the connection pool","updated_at":"2026-11-23T09:04:32.123456Z","updated_by":"Ann","version":1,"withdrawn_reason":null}','e1c227e640ac696e59f96633fb0db8aeaa01a359cc3aa194492e3af62d5bdeed','a12c61be786b16aabb7ef28e39e76be6fdf9b97c2959b6bafc50a6b6330def4b');
INSERT INTO "history" VALUES(10,'2026-11-23 09:05:23.123456','Ann','action','action-9abcdefghi','slow-checkout','moved','{"created_at":"2026-11-23T09:04:32.123456Z","created_by":"Ann","due":"2026-12-04","evidence":[{"columns":["time","value"],"end":"2026-11-20T15:00:00Z","frame":"metrics","label":"Latency of checkout, 14:40–15:00","names":["latency_p99_ms"],"services":["checkout"],"sha256":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","snapshot":"20261123T085800Z","source":"telemetry","start":"2026-11-20T14:40:00Z"}],"example":false,"factor":"The pool has no upper bound","id":"action-9abcdefghi","incident_id":"slow-checkout","kind":"prevent","owner":"team checkout","rationale":"The database can''t serve more","state":"open","state_reason":"","success_metric":"p99 of checkout under 300 ms for 14 days","title":"Cap the connection pool","updated_at":"2026-11-23T09:04:32.123456Z","updated_by":"Ann","version":1,"withdrawn_reason":null}','{"created_at":"2026-11-23T09:04:32.123456Z","created_by":"Ann","due":"2026-12-04","evidence":[{"columns":["time","value"],"end":"2026-11-20T15:00:00Z","frame":"metrics","label":"Latency of checkout, 14:40–15:00","names":["latency_p99_ms"],"services":["checkout"],"sha256":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","snapshot":"20261123T085800Z","source":"telemetry","start":"2026-11-20T14:40:00Z"}],"example":false,"factor":"The pool has no upper bound","id":"action-9abcdefghi","incident_id":"slow-checkout","kind":"prevent","owner":"team checkout","rationale":"The database can''t serve more","state":"in progress","state_reason":"","success_metric":"p99 of checkout under 300 ms for 14 days","title":"Cap the connection pool","updated_at":"2026-11-23T09:05:06.123456Z","updated_by":"Ann","version":2,"withdrawn_reason":null}','a12c61be786b16aabb7ef28e39e76be6fdf9b97c2959b6bafc50a6b6330def4b','f7dcc81affecc5534d4c4b665a33db5cbd52a666476cef79aee9306dda2b17e9');
INSERT INTO "history" VALUES(11,'2026-11-23 09:05:57.123456','Ann','action','action-9abcdefghi','slow-checkout','moved','{"created_at":"2026-11-23T09:04:32.123456Z","created_by":"Ann","due":"2026-12-04","evidence":[{"columns":["time","value"],"end":"2026-11-20T15:00:00Z","frame":"metrics","label":"Latency of checkout, 14:40–15:00","names":["latency_p99_ms"],"services":["checkout"],"sha256":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","snapshot":"20261123T085800Z","source":"telemetry","start":"2026-11-20T14:40:00Z"}],"example":false,"factor":"The pool has no upper bound","id":"action-9abcdefghi","incident_id":"slow-checkout","kind":"prevent","owner":"team checkout","rationale":"The database can''t serve more","state":"in progress","state_reason":"","success_metric":"p99 of checkout under 300 ms for 14 days","title":"Cap the connection pool","updated_at":"2026-11-23T09:05:06.123456Z","updated_by":"Ann","version":2,"withdrawn_reason":null}','{"created_at":"2026-11-23T09:04:32.123456Z","created_by":"Ann","due":"2026-12-04","evidence":[{"columns":["time","value"],"end":"2026-11-20T15:00:00Z","frame":"metrics","label":"Latency of checkout, 14:40–15:00","names":["latency_p99_ms"],"services":["checkout"],"sha256":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","snapshot":"20261123T085800Z","source":"telemetry","start":"2026-11-20T14:40:00Z"}],"example":false,"factor":"The pool has no upper bound","id":"action-9abcdefghi","incident_id":"slow-checkout","kind":"prevent","owner":"team checkout","rationale":"The database can''t serve more","state":"done","state_reason":"","success_metric":"p99 of checkout under 300 ms for 14 days","title":"Cap the connection pool","updated_at":"2026-11-23T09:05:40.123456Z","updated_by":"Ann","version":3,"withdrawn_reason":null}','f7dcc81affecc5534d4c4b665a33db5cbd52a666476cef79aee9306dda2b17e9','f32160a953317f63c94ad1a888823e954f4619dfc0a7bdc477c4e4c7ee59cafb');
INSERT INTO "history" VALUES(12,'2026-11-23 09:06:31.123456','Łukasz 🚒','action','action-9abcdefghi','slow-checkout','measured','{"created_at":"2026-11-23T09:04:32.123456Z","created_by":"Ann","due":"2026-12-04","evidence":[{"columns":["time","value"],"end":"2026-11-20T15:00:00Z","frame":"metrics","label":"Latency of checkout, 14:40–15:00","names":["latency_p99_ms"],"services":["checkout"],"sha256":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","snapshot":"20261123T085800Z","source":"telemetry","start":"2026-11-20T14:40:00Z"}],"example":false,"factor":"The pool has no upper bound","id":"action-9abcdefghi","incident_id":"slow-checkout","kind":"prevent","owner":"team checkout","rationale":"The database can''t serve more","state":"done","state_reason":"","success_metric":"p99 of checkout under 300 ms for 14 days","title":"Cap the connection pool","updated_at":"2026-11-23T09:05:40.123456Z","updated_by":"Ann","version":3,"withdrawn_reason":null}','{"created_at":"2026-11-23T09:04:32.123456Z","created_by":"Ann","due":"2026-12-04","evidence":[{"columns":["time","value"],"end":"2026-11-20T15:00:00Z","frame":"metrics","label":"Latency of checkout, 14:40–15:00","names":["latency_p99_ms"],"services":["checkout"],"sha256":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","snapshot":"20261123T085800Z","source":"telemetry","start":"2026-11-20T14:40:00Z"}],"example":false,"factor":"The pool has no upper bound","id":"action-9abcdefghi","incident_id":"slow-checkout","kind":"prevent","owner":"team checkout","rationale":"The database can''t serve more","state":"verified","state_reason":"p99 212 ms, 5 to 19 December","success_metric":"p99 of checkout under 300 ms for 14 days","title":"Cap the connection pool","updated_at":"2026-11-23T09:06:14.123456Z","updated_by":"Łukasz 🚒","version":4,"withdrawn_reason":null}','f32160a953317f63c94ad1a888823e954f4619dfc0a7bdc477c4e4c7ee59cafb','164d0f05829a687e82e10f83c434b01efa4a96840eb64f5c9f18faf01c69371d');
INSERT INTO "history" VALUES(13,'2026-11-23 09:07:05.123456','Ann','action','action-jkmnpqrstu','slow-checkout','added',NULL,'{"created_at":"2026-11-23T09:06:48.123456Z","created_by":"Ann","due":"2026-12-04","evidence":[],"example":false,"factor":"The pool has no upper bound","id":"action-jkmnpqrstu","incident_id":"slow-checkout","kind":"detect","owner":"team checkout","rationale":"The database can''t serve more","state":"open","state_reason":"","success_metric":"p99 of checkout under 300 ms for 14 days","title":"Alert on pool use","updated_at":"2026-11-23T09:06:48.123456Z","updated_by":"Ann","version":1,"withdrawn_reason":null}','164d0f05829a687e82e10f83c434b01efa4a96840eb64f5c9f18faf01c69371d','e9366c7c3d42448fde4ca4e748de1731b496ef40c5799540dfaa1d3f31e229aa');
INSERT INTO "history" VALUES(14,'2026-11-23 09:07:39.123456','Ann','action','action-jkmnpqrstu','slow-checkout','moved','{"created_at":"2026-11-23T09:06:48.123456Z","created_by":"Ann","due":"2026-12-04","evidence":[],"example":false,"factor":"The pool has no upper bound","id":"action-jkmnpqrstu","incident_id":"slow-checkout","kind":"detect","owner":"team checkout","rationale":"The database can''t serve more","state":"open","state_reason":"","success_metric":"p99 of checkout under 300 ms for 14 days","title":"Alert on pool use","updated_at":"2026-11-23T09:06:48.123456Z","updated_by":"Ann","version":1,"withdrawn_reason":null}','{"created_at":"2026-11-23T09:06:48.123456Z","created_by":"Ann","due":"2026-12-04","evidence":[],"example":false,"factor":"The pool has no upper bound","id":"action-jkmnpqrstu","incident_id":"slow-checkout","kind":"detect","owner":"team checkout","rationale":"The database can''t serve more","state":"dropped","state_reason":"The latency alert is sooner","success_metric":"p99 of checkout under 300 ms for 14 days","title":"Alert on pool use","updated_at":"2026-11-23T09:07:22.123456Z","updated_by":"Ann","version":2,"withdrawn_reason":null}','e9366c7c3d42448fde4ca4e748de1731b496ef40c5799540dfaa1d3f31e229aa','ef17b434e7967e726939603c360144005ebe77cd5d2139493fa65ec1cbb774cf');
INSERT INTO "history" VALUES(15,'2026-11-23 09:08:13.123456','Łukasz 🚒','action','action-vwxyz23456','slow-checkout','added',NULL,'{"created_at":"2026-11-23T09:07:56.123456Z","created_by":"Łukasz 🚒","due":"2026-12-04","evidence":[],"example":false,"factor":"The pool has no upper bound","id":"action-vwxyz23456","incident_id":"slow-checkout","kind":"prevent","owner":"team checkout","rationale":"The database can''t serve more","state":"open","state_reason":"","success_metric":"p99 of checkout under 300 ms for 14 days","title":"Double","updated_at":"2026-11-23T09:07:56.123456Z","updated_by":"Łukasz 🚒","version":1,"withdrawn_reason":null}','ef17b434e7967e726939603c360144005ebe77cd5d2139493fa65ec1cbb774cf','126409278a4759e9d73d03e1188b9d7bf5fa035fb618c18f65c400b639cc3f03');
INSERT INTO "history" VALUES(16,'2026-11-23 09:08:47.123456','Łukasz 🚒','action','action-vwxyz23456','slow-checkout','withdrawn','{"created_at":"2026-11-23T09:07:56.123456Z","created_by":"Łukasz 🚒","due":"2026-12-04","evidence":[],"example":false,"factor":"The pool has no upper bound","id":"action-vwxyz23456","incident_id":"slow-checkout","kind":"prevent","owner":"team checkout","rationale":"The database can''t serve more","state":"open","state_reason":"","success_metric":"p99 of checkout under 300 ms for 14 days","title":"Double","updated_at":"2026-11-23T09:07:56.123456Z","updated_by":"Łukasz 🚒","version":1,"withdrawn_reason":null}','{"created_at":"2026-11-23T09:07:56.123456Z","created_by":"Łukasz 🚒","due":"2026-12-04","evidence":[],"example":false,"factor":"The pool has no upper bound","id":"action-vwxyz23456","incident_id":"slow-checkout","kind":"prevent","owner":"team checkout","rationale":"The database can''t serve more","state":"open","state_reason":"","success_metric":"p99 of checkout under 300 ms for 14 days","title":"Double","updated_at":"2026-11-23T09:08:30.123456Z","updated_by":"Łukasz 🚒","version":2,"withdrawn_reason":"It is there already"}','126409278a4759e9d73d03e1188b9d7bf5fa035fb618c18f65c400b639cc3f03','87d1d650e1702d90177ae5cbb9c63b20c5fcaa1ccafd2bd421fe808275a8782e');
INSERT INTO "history" VALUES(17,'2026-11-23 09:09:21.123456','Ann','snapshot','slow-checkout/20261123T085800Z','slow-checkout','pinned',NULL,'{"at":"2026-11-23T09:09:04.123456Z","author":"Ann","manifest_sha256":"a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7","version":"20261123T085800Z"}','87d1d650e1702d90177ae5cbb9c63b20c5fcaa1ccafd2bd421fe808275a8782e','003ccc3a12b5b00be5c04881814aa21b2b1adfbae5ff98ce28fffebd58c89858');
CREATE TABLE history_head (
	id INTEGER NOT NULL, 
	count BIGINT NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_history_head PRIMARY KEY (id)
);
INSERT INTO "history_head" VALUES(1,17,'003ccc3a12b5b00be5c04881814aa21b2b1adfbae5ff98ce28fffebd58c89858');
CREATE TABLE incident (
	id VARCHAR(80) NOT NULL, 
	title VARCHAR(200) NOT NULL, 
	severity VARCHAR(8) NOT NULL, 
	services JSON NOT NULL, 
	started_at DATETIME NOT NULL, 
	detected_at DATETIME, 
	acknowledged_at DATETIME, 
	mitigated_at DATETIME, 
	resolved_at DATETIME, 
	impact_summary TEXT NOT NULL, 
	affected_tenants BIGINT, 
	slos_breached JSON NOT NULL, 
	customer_visible BOOLEAN, 
	example BOOLEAN NOT NULL, 
	version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	created_by VARCHAR(200) NOT NULL, 
	updated_at DATETIME NOT NULL, 
	updated_by VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_incident PRIMARY KEY (id)
);
INSERT INTO "incident" VALUES('slow-checkout','Checkout is slow','SEV1','["checkout", "payments"]','2026-11-20 14:41:07.250001','2026-11-20 14:46:00.000000',NULL,'2026-11-20 15:20:00.000000','2026-11-20 15:31:00.000000','Nobody could pay for half an hour.
Some paid twice — “sorry”.',412,'["checkout availability"]',1,0,2,'2026-11-23 09:00:00.123456','Ann','2026-11-23 09:01:08.123456','Łukasz 🚒');
INSERT INTO "incident" VALUES('2026-11-21.login_loop','ログインが繰り返される','SEV4','[]','2026-11-21 00:00:00.000000',NULL,NULL,NULL,NULL,'',NULL,'[]',NULL,1,1,'2026-11-23 09:00:34.123456','Ann','2026-11-23 09:00:34.123456','Ann');
CREATE TABLE snapshot (
	incident_id VARCHAR(80) NOT NULL, 
	version VARCHAR(200) NOT NULL, 
	manifest_sha256 VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	author VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_snapshot PRIMARY KEY (incident_id, version), 
	CONSTRAINT fk_snapshot_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);
INSERT INTO "snapshot" VALUES('slow-checkout','20261123T085800Z','a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7','2026-11-23 09:09:04.123456','Ann');
CREATE TABLE timeline_entry (
	id VARCHAR(80) NOT NULL, 
	incident_id VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	until DATETIME, 
	uncertainty_s INTEGER NOT NULL, 
	what TEXT NOT NULL, 
	who VARCHAR(200) NOT NULL, 
	why TEXT NOT NULL, 
	entry_kind VARCHAR(32) NOT NULL, 
	evidence JSON NOT NULL, 
	example BOOLEAN NOT NULL, 
	withdrawn_reason TEXT, 
	version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	created_by VARCHAR(200) NOT NULL, 
	updated_at DATETIME NOT NULL, 
	updated_by VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_timeline_entry PRIMARY KEY (id), 
	CONSTRAINT fk_timeline_entry_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id)
);
INSERT INTO "timeline_entry" VALUES('entry-bcdefghijk','slow-checkout','2026-11-20 14:46:00.000000',NULL,30,'The latency alert fired','alerting','p99 over 2 s for 5 min','detection','[{"snapshot": "20261123T085800Z", "frame": "metrics", "source": "telemetry", "sha256": "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e", "services": ["checkout"], "names": ["latency_p99_ms"], "start": "2026-11-20T14:40:00Z", "end": "2026-11-20T15:00:00Z", "columns": ["time", "value"], "label": "Latency of checkout, 14:40\u201315:00"}]',0,NULL,1,'2026-11-23 09:01:42.123456','Ann','2026-11-23 09:01:42.123456','Ann');
INSERT INTO "timeline_entry" VALUES('entry-mnpqrstuvw','slow-checkout','2026-11-20 15:05:00.000000','2026-11-20 15:20:00.000000',0,'Rolled the connection pool back
	to 20 connections','on-call','The pool had been doubled on the 19th','mitigation','[]',0,NULL,2,'2026-11-23 09:02:16.123456','Łukasz 🚒','2026-11-23 09:03:58.123456','Ann');
INSERT INTO "timeline_entry" VALUES('entry-xyz2345678','slow-checkout','2026-11-20 15:00:00.000000',NULL,0,'DNS was suspected','on-call','','diagnosis','[]',0,'It belongs to another incident',2,'2026-11-23 09:02:50.123456','Łukasz 🚒','2026-11-23 09:03:24.123456','Łukasz 🚒');
CREATE INDEX ix_timeline_entry_incident_id ON timeline_entry (incident_id);
CREATE INDEX ix_action_incident_id ON action (incident_id);
CREATE INDEX ix_history_incident_id ON history (incident_id);
CREATE INDEX ix_history_kind_object_id ON history (kind, object_id);
COMMIT;
