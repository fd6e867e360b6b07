import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dumpSchema } from '../../../scripts/generate/schema.ts';
import { exitCodeOf } from '../exit.ts';
import { plan } from '../plan.ts';
import { seedSchema1 } from './contents.ts';
import { createFieldTable, FIELD_SHAPES, runAlone, type FieldShape } from './field-shapes.ts';
import { createInstallation, type Installation } from './installation.ts';

const SERVER = Boolean(process.env['FACEPASS_TEST_DATABASE_URL']);

for (const shape of FIELD_SHAPES) {
  const skip = shape.server && !SERVER ? 'needs PostgreSQL (FACEPASS_TEST_DATABASE_URL)' : false;
  if (shape.refused)
    test(`refuses, names the cause, changes nothing, and migrates once fixed: ${shape.name}`, { skip }, () =>
      refuses(shape),
    );
  else test(`migrates up and down unchanged: ${shape.name}`, { skip }, () => migrates(shape));
}

async function migrates(shape: FieldShape): Promise<void> {
  await using installation = await createFieldDatabase(shape);
  await comesBack(installation);
}

async function refuses(shape: FieldShape): Promise<void> {
  await using installation = await createFieldDatabase(shape);
  const before = await dumpSchema(installation.pool);
  const told = (await installation.migrate((client, context) => plan(client, { to: 3, contract: false }, context))) as {
    objections: string[];
  };
  const refusal = await installation.up().then(
    () => assert.fail('it was not refused'),
    (error: Error) => error,
  );
  assert.match(refusal.message, shape.refused!);
  assert.equal(exitCodeOf(refusal), 65, refusal.message);
  assert.ok(told.objections.includes(refusal.message), 'plan says the same');
  assert.equal(await dumpSchema(installation.pool), before, 'nothing was changed');
  await fix(installation, shape, refusal);
  await installation.up();
  assert.deepEqual(await installation.damage(), []);
}

/** Does what the refusals ask for, one after the other, as an operator would. */
async function fix(installation: Installation, shape: FieldShape, refusal: Error): Promise<void> {
  const quoted = /“((?:alter|create|drop) [^…”]*)”/.exec(refusal.message)?.[1];
  assert.ok(quoted || shape.fix, `the message says what to run: ${refusal.message}`);
  await runAlone(installation, shape.fix ?? quoted!);
  for (let left = 3; left > 0; left -= 1) {
    const { objections } = (await installation.migrate((client, context) =>
      plan(client, { to: 3, contract: false }, context),
    )) as { objections: string[] };
    if (objections.length === 0) return;
    const next = /“((?:alter|create|drop) [^…”]*)”/.exec(objections[0]!)?.[1];
    assert.ok(next, objections[0]);
    await runAlone(installation, next);
  }
}

async function comesBack(installation: Installation): Promise<void> {
  const before = await rowsOf(installation);
  await installation.up();
  assert.deepEqual(await installation.damage(), []);
  const odd = await installation.query(
    `select photo_id, confidence from faces where confidence not between 0 and 1 or photo_id in ('', '.', '..') or photo_id ~ E'[\\x01-\\x1f]'`,
  );
  assert.deepEqual(odd, [], 'what no answer may show, or no call can erase, is in quarantine');
  await installation.up({ contract: true });
  assert.deepEqual(await installation.damage(), []);
  await installation.down(2);
  assert.deepEqual(await installation.damage(), []);
  await installation.query(
    `insert into face_embeddings (photo_id, session_id, embedding, confidence)
     values ('new', '00000000-0000-4000-8000-0000000000aa', '[1,0,0,0,0,0,0,0]', 0.5)`,
  );
  await installation.down(1);
  await installation.query(`delete from face_embeddings where photo_id::text = 'new'`);
  assert.deepEqual(await rowsOf(installation), before);
}

async function rowsOf({ query }: Installation): Promise<unknown[]> {
  return query(
    `select id, face_id, photo_id, event_id, session_id, embedding::text, confidence, created_at from face_embeddings order by id`,
  );
}

async function createFieldDatabase(shape: FieldShape): Promise<Installation> {
  await using stack = new AsyncDisposableStack();
  const installation = stack.use(await createInstallation({ batchRows: 20 }));
  await createFieldTable(installation);
  await seedSchema1(installation, 60, 8);
  if (shape.make) await runAlone(installation, shape.make);
  stack.move();
  return installation;
}
