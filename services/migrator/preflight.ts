import { acceptsPgvector, LEAST_PGVECTOR } from '@facepass/contracts/database';
import type { MigratorConfig } from './config.ts';
import { EXIT, Refusal } from './exit.ts';
import { spaceUp, type Space } from './space.ts';
import { misfitsOf } from './older-table.ts';
import { TABLES_CHANGED, type State } from './state.ts';

/**
 * Every reason not to begin, in the order an operator would fix them; empty when the migration may run. Decides only.
 * `target` is the schema version asked for.
 */
export function objections(state: State, config: MigratorConfig, target: number): Refusal[] {
  return CHECKS.map((check) => check(state, config, target)).filter((refusal) => refusal !== undefined);
}

type Check = (state: State, config: MigratorConfig, target: number) => Refusal | undefined;

const CHECKS: Check[] = [
  function serverIsNew(state) {
    if (state.serverVersion >= 160_000) return undefined;
    return new Refusal(
      EXIT.data,
      `PostgreSQL 16 or newer is required; this is ${Math.floor(state.serverVersion / 10_000)}.`,
    );
  },

  function pgvectorIsSafe({ pgvector }, config) {
    if (pgvector === null)
      return new Refusal(EXIT.data, 'The extension vector (pgvector 0.8.4 or newer) is not installed on this server.');
    if (acceptsPgvector(pgvector, config.allowedPgvectorVersion)) return undefined;
    return new Refusal(
      EXIT.data,
      `pgvector ${LEAST_PGVECTOR} or newer is required (CVE-2026-3172); this database has ${pgvector}. Install it and run ` +
        `“alter extension vector update”, or set ALLOW_PGVECTOR_VERSION=${pgvector} to accept the risk.`,
    );
  },

  roleMay,

  function roleMayHoldQueue({ role, mayCreate, mayHoldQueue }, _config, target) {
    if (mayHoldQueue || !mayCreate || target < 3) return undefined;
    return new Refusal(
      EXIT.configuration,
      `The migrator's role ${role} may not create the schema facepass_queue, which holds the job queue. ` +
        `Run “create schema facepass_queue authorization ${role}” as a superuser.`,
    );
  },

  function tableIsOnThePath({ olderTable, tableElsewhere, recorded, role }) {
    if (olderTable || recorded.length > 0 || tableElsewhere === null) return undefined;
    return new Refusal(
      EXIT.data,
      `face_embeddings is in the schema ${tableElsewhere}, which is not on the search path, so the migrator would create ` +
        `empty tables beside it. ` +
        `Run “alter role ${role} set search_path = ${tableElsewhere}, public”, for the API's role too, or give Facepass another database.`,
    );
  },

  function tableIsKnown({ olderTable, recorded }) {
    if (!olderTable || recorded.includes(TABLES_CHANGED)) return undefined;
    const misfits = misfitsOf(olderTable);
    if (misfits.length === 0) return undefined;
    const fixes = misfits.flatMap(({ fix }) => fix ?? []);
    return new Refusal(
      EXIT.data,
      `face_embeddings is not the table of schema 1: ${misfits.map(({ what }) => what).join('; ')}.` +
        (fixes.length > 0 ? ` If that fits your data, run “${fixes.join('; ')}”, then run plan again.` : ''),
    );
  },

  function idsComeFromASequence({ olderTable, recorded }) {
    if (!olderTable || recorded.includes(TABLES_CHANGED) || olderTable.sequence !== null) return undefined;
    return new Refusal(
      EXIT.data,
      'The column id of face_embeddings owns no sequence, as “serial” creates one, so its numbering cannot continue in the new table. ' +
        'Run “alter sequence … owned by face_embeddings.id” with the sequence that its default uses.',
    );
  },

  function namesAreFree({ ownTables, recorded }) {
    if (recorded.length > 0 || ownTables.length === 0) return undefined;
    return new Refusal(
      EXIT.data,
      `This database already has tables with names that Facepass needs: ${ownTables.join(', ')}. Give Facepass another database, ` +
        `or rename them, also in the code that uses them: “${ownTables.map((name) => `alter table ${name} rename to other_${name}`).join('; ')}”.`,
    );
  },

  function noCopyIsLeft({ otherCopies, recorded }) {
    if (recorded.includes(TABLES_CHANGED) || otherCopies.length === 0) return undefined;
    return new Refusal(
      EXIT.data,
      `${otherCopies.join(', ')} also holds vectors, which Facepass would never erase. Save what you need from it, then run ` +
        `“drop table ${otherCopies.join(', ')}”, or move it to another schema and erase faces from it yourself.`,
    );
  },

  function nothingDepends({ dependents, recorded }) {
    if (recorded.includes(TABLES_CHANGED) || dependents.length === 0) return undefined;
    return new Refusal(
      EXIT.data,
      `These refer to face_embeddings and would keep using the old table, which becomes the backup: ${dependents.join(', ')}. Drop them first.`,
    );
  },

  function nothingIsLost({ extras, recorded }) {
    if (recorded.includes(TABLES_CHANGED) || extras.length === 0) return undefined;
    return new Refusal(
      EXIT.data,
      `The new tables would silently lack these parts of face_embeddings: ${extras.map(({ what }) => what).join(', ')}. ` +
        `Remove them, and create them again on the new tables if you need them: “${extras.map(({ fix }) => fix).join('; ')}”.`,
    );
  },

  function dimensionFits({ olderTable, facesDimension }, { pack }, target) {
    const dimension = olderTable?.dimension;
    if (target < 3 || facesDimension || dimension === undefined || dimension < 0 || dimension === pack.dimension)
      return undefined;
    return new Refusal(
      EXIT.data,
      `The vectors in face_embeddings have ${dimension} dimensions; MODEL_PACK ${pack.name} produces ${pack.dimension}. ` +
        'Choose the pack that produced them; further packs can be served after the migration.',
    );
  },

  function modelIsNamed({ olderTable, version }, config, target) {
    if (target < 3 || version >= 3 || !olderTable || config.legacyModelId) return undefined;
    return new Refusal(
      EXIT.configuration,
      'LEGACY_MODEL_ID: name the model of the vectors already stored, because vectors of two models are never compared ' +
        `(${config.pack.modelId} if MODEL_PACK ${config.pack.name} produced them).`,
    );
  },

  function sessionsKeepTheirModel({ sessionsByModel, version }, { served, allowUnserved }) {
    if (!served || version < 3) return undefined;
    const left = sessionsByModel.filter(({ model }) => !served.includes(model) && !allowUnserved.includes(model));
    if (left.length === 0) return undefined;
    return new Refusal(
      EXIT.configuration,
      `Sessions keep the model they were indexed with, and MODEL_PACKS makes ${served.join(', ')}: ` +
        `it would leave ${left.map(({ model, sessions }) => `${sessions} of ${model}`).join(', ')} without an answer. ` +
        `Add the pack to MODEL_PACKS, erase those sessions, or set ALLOW_UNSERVED_MODELS=${left.map(({ model }) => model).join(',')}.`,
    );
  },

  function spaceSuffices(state, config, target) {
    return spaceIsLeft(spaceUp(state, state.facesDimension ?? config.pack.dimension, target), config);
  },
];

/** Every reason not to roll back, in the order an operator would fix them. Decides only. */
export function objectionsToGoingBack(state: State, config: MigratorConfig, way: WayBack): Refusal[] {
  return [roleMay(state), modelIsCarried(config, way), spaceIsLeft(way.space, config)].filter(
    (refusal) => refusal !== undefined,
  );
}

export interface WayBack {
  space: Space;
  /** Faces in `faces` of each model that is not the older API's. */
  otherModels: Record<string, number>;
  /** Models that may be kept aside; absent: any. */
  setAside?: string[];
}

function spaceIsLeft({ tables, wal }: Space, { freeBytes }: MigratorConfig): Refusal | undefined {
  if (freeBytes === undefined || tables + wal <= freeBytes) return undefined;
  return new Refusal(
    EXIT.data,
    `About ${megabytes(tables + wal)} MB are needed, ${megabytes(wal)} of them for the write-ahead log, ` +
      `but DATABASE_FREE_BYTES says that only ${megabytes(freeBytes)} MB are free.`,
  );
}

/** A wrong LEGACY_MODEL_ID would silently create face_embeddings without a single photo. */
function modelIsCarried(
  { legacyModelId, pack }: MigratorConfig,
  { otherModels, setAside }: WayBack,
): Refusal | undefined {
  const left = Object.entries(otherModels).filter(([model]) => setAside && !setAside.includes(model));
  if (left.length === 0) return undefined;
  const chosen = legacyModelId
    ? `LEGACY_MODEL_ID=${legacyModelId}`
    : `LEGACY_MODEL_ID is not set, so ${pack.modelId} of MODEL_PACK applies`;
  return new Refusal(
    EXIT.configuration,
    `${chosen}: the older schema holds only faces of that model, but these are of others: ${left.map(([model, faces]) => `${model} (${faces})`).join(', ')}. ` +
      `Set LEGACY_MODEL_ID to the model that the older API uses, or keep them aside with --set-aside ${left.map(([model]) => model).join(',')}.`,
  );
}

/** A sequence belongs to no table of another owner, so to be a member of the owner's role is not enough. */
function roleMay({ role, schema, mayCreate, foreignTables: [foreign, ...others] }: State): Refusal | undefined {
  if (!mayCreate)
    return new Refusal(
      EXIT.configuration,
      `The migrator's role ${role} may not create tables in the schema ${schema}. Run “grant create on schema ${schema} to ${role}” as its owner.`,
    );
  if (!foreign) return undefined;
  const fixes = [foreign, ...others].map(({ name }) => `alter table ${name} owner to ${role}`).join('; ');
  return new Refusal(
    EXIT.configuration,
    `The migrator's role ${role} does not own ${[foreign, ...others].map(({ name, owner }) => `${name} (${owner} does)`).join(', ')}. ` +
      `Let it connect as ${foreign.owner}, or run “${fixes}” as a superuser.`,
  );
}

const megabytes = (bytes: number) => Math.ceil(bytes / 1e6);
