import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import pg from 'pg';
import { withDatabase } from '../database.ts';
import { exitCodeOf } from '../exit.ts';
import { plan } from '../plan.ts';
import { up } from '../up.ts';
import { seedSchema1 } from './contents.ts';
import { createInstallation, type Installation } from './installation.ts';

const SERVER = process.env['FACEPASS_TEST_DATABASE_URL'];
const NO_SERVER = SERVER
  ? false
  : 'needs PostgreSQL (FACEPASS_TEST_DATABASE_URL): the embedded database lets everyone in as its owner';

test(
  'refuses to begin as a role that does not own the table, even a superuser, and migrates once it does',
  { skip: NO_SERVER },
  async () => {
    await using installation = await createInstallation();
    await installation.up({ to: 1 });
    await seedSchema1(installation, 20, 8);
    await using owner = await createRole(installation);
    await owner.query(
      `alter table face_embeddings owner to ${owner.name}; alter table schema_migrations owner to ${owner.name}`,
    );
    const migrate = () =>
      withDatabase(
        {
          ...installation.config,
          connection: { ...installation.config.connection, connectionString: administratorUrl(installation) },
        },
        (client) => up(client, { to: 3, contract: false }, installation.context),
      );
    const refusal = await migrate().catch((error) => error);
    assert.equal(exitCodeOf(refusal), 78, refusal);
    assert.match(
      refusal.message,
      new RegExp(
        `does not own face_embeddings \\(${owner.name} does\\).*“alter table face_embeddings owner to ${new URL(SERVER!).username};`,
      ),
    );
    assert.deepEqual(await owner.query('select name from schema_migrations'), [{ name: '0001_field_schema' }]);
    await owner.query(/“(alter table .*)”/.exec(refusal.message)![1]!);
    await migrate();
    assert.deepEqual(await owner.query('select schema_version() as version'), [{ version: 3 }]);
  },
);

test('plan reports a role that may not create in the schema', { skip: NO_SERVER }, async () => {
  await using installation = await createInstallation();
  await using role = await createRole(installation);
  const config = {
    ...installation.config,
    connection: { ...installation.config.connection, connectionString: role.url },
  };
  const { objections } = (await withDatabase(config, (client) =>
    plan(client, { to: 3, contract: false }, { ...installation.context, config }),
  )) as { objections: string[] };
  assert.deepEqual(objections, [
    `The migrator's role ${role.name} may not create tables in the schema public. Run “grant create on schema public to ${role.name}” as its owner.`,
  ]);
});

function administratorUrl(installation: Installation): string {
  return Object.assign(new URL(SERVER!), { pathname: new URL(installation.url).pathname }).href;
}

/** A role for one test, and the administrator's connection to the test's database. */
async function createRole(installation: Installation) {
  const name = `facepass_test_${randomBytes(4).toString('hex')}`;
  const password = randomBytes(8).toString('hex');
  const client = new pg.Client({ connectionString: administratorUrl(installation) });
  await client.connect();
  await client.query(`create extension if not exists vector; create role ${name} login password '${password}'`);
  return {
    name,
    url: Object.assign(new URL(installation.url), { username: name, password }).href,
    query: async (sql: string) => (await client.query(sql)).rows,
    async [Symbol.asyncDispose]() {
      await client.query(`drop owned by ${name} cascade; drop role ${name}`);
      await client.end();
    },
  };
}
