import { SCHEMA_VERSIONS } from '@facepass/contracts/database';
import { healthAnswer, type HealthAnswer } from '@facepass/contracts/http';
import type { Connection } from '../connection.ts';
import { reasonOf } from '../failures.ts';
import { BLANK_IMAGE } from './blank-image.ts';
import { mendOf, type Finding } from './finding.ts';

/** What can be seen of the service from where its clients are; `away` when nothing answers. */
export async function examineService(connection: Connection): Promise<{ findings: Finding[]; away: boolean }> {
  const answer = await call(connection, '/health');
  if (answer instanceof Error) {
    const mend =
      connection.source === 'the default'
        ? 'Run ./scripts/start, or give --url or FACEPASS_URL.'
        : `Start the service, or correct ${connection.source}.`;
    return {
      findings: [{ what: `service at ${connection.url} (from ${connection.source})`, fault: reasonOf(answer), mend }],
      away: true,
    };
  }
  const health = healthAnswer.safeParse(await answer.json().catch(() => null));
  if (!health.success) {
    const fault = `the answer of /health is not Facepass’s (HTTP ${answer.status})`;
    return {
      findings: [
        {
          what: `service at ${connection.url}`,
          fault,
          mend: 'Correct the address: another service, or a proxy, answers there.',
        },
      ],
      away: false,
    };
  }
  return {
    findings: [clockFinding(answer), ...healthFindings(answer, health.data), await examineIndexCall(connection)],
    away: false,
  };
}

/** Search tokens and signatures of S3 fail when clocks differ. */
function clockFinding(answer: Response): Finding {
  const secondsApart = Math.abs(Date.parse(answer.headers.get('Date') ?? '') - Date.now()) / 1000;
  if (!(secondsApart > 60)) return { what: 'clock' };
  return {
    what: 'clock',
    fault: `this machine and the service are ${Math.round(secondsApart)} s apart`,
    mend: 'Set both clocks by NTP.',
  };
}

function healthFindings(answer: Response, { database, face_recognition_model: model }: HealthAnswer): Finding[] {
  const reachable = database === 'connected';
  return [
    reachable
      ? { what: 'database of the service' }
      : { what: 'database of the service', fault: database, mend: databaseMend(database) },
    answer.ok || !reachable
      ? { what: `inference of the service (${model})` }
      : {
          what: 'inference of the service',
          fault: model,
          mend: 'Start the inference server, or correct INFERENCE_ADDRESS; its log names a model file that is missing or damaged.',
        },
  ];
}

function databaseMend(fault: string): string {
  const version = Number(/schema has version (\d+)/.exec(fault)?.[1]);
  if (version > SCHEMA_VERSIONS.most)
    return 'Run the newer release, or take the schema back with its migrator (docs/MIGRATION_GUIDE.md).';
  return (
    mendOf(fault, [
      [/schema|migrat/i, 'Run the migration: node services/migrator/main.ts up.'],
      [
        /dimension|model/i,
        'The database was made for another model: set MODEL_PACK to that one, or use another database.',
      ],
      [/pgvector|extension|vector/i, 'Install or upgrade pgvector in the database (0.8.4 or newer).'],
    ]) ??
    'Start the database, or correct DATABASE_URL; `facepass doctor` run on the service’s host with its --env-file names the cause.'
  );
}

/** Indexes an image without a face: it goes the whole way, and nothing is stored. */
async function examineIndexCall(connection: Connection): Promise<Finding> {
  const { apiKey } = connection;
  const what = 'API key and an index call';
  if (!apiKey)
    return {
      what: 'API key',
      fault: 'there is none',
      mend: 'Give --api-key or FACEPASS_API_KEY; searches go without where the service allows it.',
    };
  const body = new FormData();
  body.append('session_id', 'facepass-doctor');
  body.append('photo_id', 'blank');
  body.append('image', new Blob([BLANK_IMAGE]));
  const answer = await call(connection, '/api/v1/index', { method: 'POST', headers: { 'X-API-Key': apiKey }, body });
  if (answer instanceof Error) return { what, fault: reasonOf(answer), mend: 'Run `facepass doctor` again.' };
  const { code, detail } = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string };
  if (code === 'no_face') return { what };
  const fault = `${detail ?? `HTTP ${answer.status}`}${code ? ` (${code})` : ''}`;
  return { what, fault, mend: MENDS[code ?? ''] ?? `${connection.url}/docs/errors/${code} tells more.` };
}

const MENDS: Record<string, string> = {
  api_key_invalid:
    'Correct --api-key or FACEPASS_API_KEY, or add the key to the service: facepass keys create NAME, or API_KEYS.',
  scope_missing: 'Give the key the scope `index`: facepass keys create NAME --scopes index, or API_KEYS.',
  rate_limited: 'Wait a minute; RATE_LIMIT_WRITES_PER_MINUTE of the service is the limit.',
  inference_model_mismatch: 'Set MODEL_PACK alike for the API and the inference servers.',
  inference_overloaded: 'The inference servers are full: wait, or add some.',
  inference_unavailable: 'Start the inference server, or correct INFERENCE_ADDRESS of the service.',
  database_unavailable: 'Start the database, or correct DATABASE_URL of the service.',
};

async function call({ url }: Connection, path: string, init: RequestInit = {}): Promise<Response | Error> {
  try {
    return await fetch(url + path, { ...init, signal: AbortSignal.timeout(15_000) });
  } catch (error) {
    return error as Error;
  }
}
