import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodeOf } from '../exit.ts';
import { seedSchema1 } from './contents.ts';
import { createInstallation } from './installation.ts';

const EXTRAS: [what: string, made: string][] = [
  ['membership of the publication faces_out', 'create publication faces_out for table face_embeddings'],
  ['privileges on the column photo_id', 'grant select (photo_id) on face_embeddings to public'],
  ['row level security', 'alter table face_embeddings enable row level security'],
  ['the child table older_faces', 'create table older_faces () inherits (face_embeddings)'],
  ['the column Album', 'alter table face_embeddings add column "Album" text'],
  ['the constraint fair', 'alter table face_embeddings add constraint fair check (confidence <= 1)'],
  [
    'the foreign key of_event',
    'create table events (id integer primary key); insert into events values (0), (1), (2); alter table face_embeddings add constraint of_event foreign key (event_id) references events',
  ],
  ['the policy own_rows', 'create policy own_rows on face_embeddings using (true)'],
  ['the rule keep', 'create rule keep as on delete to face_embeddings where false do also nothing'],
  [
    'the trigger tell',
    `create function tell() returns trigger language plpgsql as 'begin return null; end'; create trigger tell after insert on face_embeddings for each row execute function tell()`,
  ],
];

test('refuses to lose parts of face_embeddings until the quoted statements have removed them', async () => {
  await using installation = await createInstallation({ batchRows: 100 });
  await installation.up({ to: 1 });
  await seedSchema1(installation, 20, 8);
  for (const [, made] of EXTRAS) await installation.query(made);
  const refusal = await installation.up().then(
    () => assert.fail('it was not refused'),
    (error: Error) => error,
  );
  assert.equal(exitCodeOf(refusal), 65);
  const [, named, fixes] = /silently lack these parts of face_embeddings: (.*)\. Remove them.*“(.*)”\.$/.exec(
    refusal.message,
  )!;
  assert.equal(named, EXTRAS.map(([what]) => what).join(', '));
  await installation.query(`${fixes}; drop table older_faces`);
  await installation.up();
  assert.deepEqual(await installation.damage(), []);
});

test('accepts its own triggers during a migration and after a rollback', async () => {
  await using installation = await createInstallation({ batchRows: 100 });
  await installation.up({ to: 1 });
  await seedSchema1(installation, 20, 8);
  for (const name of ['0006_index_schema_2', '0008_seal_backup']) {
    const [stop] = installation.context.steps.filter((step) => step.name === name);
    const { sql } = stop!.up;
    stop!.up.sql = 'select 1 / 0';
    await assert.rejects(installation.up(), /division by zero/);
    stop!.up.sql = sql;
  }
  await installation.up({ contract: true });
  await installation.down(1);
  assert.ok(
    (await installation.query(`select from pg_trigger where tgrelid = 'face_embeddings'::regclass`)).length > 0,
    'faces are kept aside',
  );
  await installation.up();
});
