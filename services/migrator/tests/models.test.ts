import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '@facepass/runtime/logger';
import { down, type DownOptions } from '../down.ts';
import { exitCodeOf } from '../exit.ts';
import { seedSchema1 } from './contents.ts';
import { createInstallation, LEGACY_MODEL } from './installation.ts';

for (const contract of [true, false])
  test(`a rollback ${contract ? 'after' : 'before'} contraction refuses to leave out faces of another model unless named; a dry run reports it`, async () => {
    await using installation = await createInstallation({ batchRows: 100 });
    await installation.up({ to: 1 });
    await seedSchema1(installation, 20, 8);
    await installation.up({ contract });
    await installation.query(
      `insert into faces (session_id, photo_id, face_index, confidence, model_id, embedding) values ('new', 'p', 0, 0.9, $1, '[1,0,0,0,0,0,0,0]')`,
      ['other-1'],
    );
    await installation.query(
      `insert into sessions (session_id, photo_count, face_count, model_id) values ('new', 1, 1, 'other-1')`,
    );
    const [{ faces }] = await installation.query('select count(*)::integer as faces from faces where model_id = $1', [
      LEGACY_MODEL,
    ]);
    const lines: any[] = [];
    const logger = createLogger('migrator', 'info', { write: (line) => void lines.push(JSON.parse(line)) });
    const back = (options: Partial<DownOptions>) =>
      installation.migrate((client, context) =>
        down(client, { to: 1, dryRun: false, setAside: [], ...options }, { ...context, logger }),
      );

    installation.config.legacyModelId = 'other-1';
    await back({ dryRun: true });
    assert.deepEqual(lines.at(-1).faces_of_other_models, { [LEGACY_MODEL]: faces });
    assert.match(
      lines.at(-1).objections[0],
      new RegExp(`LEGACY_MODEL_ID=other-1: .* ${LEGACY_MODEL} \\(${faces}\\)\\..* --set-aside ${LEGACY_MODEL}`),
    );
    await assert.rejects(
      back({}),
      (error: Error) => exitCodeOf(error) === 78 && error.message === lines.at(-1).objections[0],
    );
    assert.equal((await installation.query('select schema_version() as version'))[0].version, 3);

    installation.config.legacyModelId = LEGACY_MODEL;
    await assert.rejects(back({}), /of others: other-1 \(1\)/);
    await back({ setAside: ['other-1'] });
    assert.equal((await installation.query('select count(*)::integer as rows from face_embeddings'))[0].rows, 20);
    assert.deepEqual(await installation.query(`select photo_id from faces_kept where model_id = 'other-1'`), [
      { photo_id: 'p' },
    ]);
  });
