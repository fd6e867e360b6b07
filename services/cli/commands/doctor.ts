import { accessSync, constants, mkdirSync } from 'node:fs';
import { styleText } from 'node:util';
import { healthAnswer, type HealthAnswer } from '@facepass/contracts/http';
import type { Connection } from '../connection.ts';
import { EXIT, reasonOf, type ExitCode } from '../failures.ts';
import { stateDirectory } from '../journal.ts';

export interface Finding {
  what: string;
  /** Absent where all is well. */
  fault?: string;
  /** What to do about the fault. */
  mend?: string;
}

/** `facepass doctor`: looks at everything an index or a search needs, and names the mend for what is wrong. */
export async function examine(options: { json?: boolean }, connection: Connection): Promise<ExitCode> {
  const findings = await findingsOf(connection);
  if (options.json) console.log(JSON.stringify(findings));
  else for (const finding of findings) console.log(textOf(finding));
  return findings.some(({ fault }) => fault) ? EXIT.incomplete : EXIT.done;
}

export async function findingsOf(connection: Connection): Promise<Finding[]> {
  const state = examineState(process.env);
  const answer = await call(connection, '/health');
  if (answer instanceof Error) {
    const mend = connection.source === 'the default' ? 'Run ./scripts/start, or give --url or FACEPASS_URL.' : `Start the service, or correct ${connection.source}.`;
    return [state, { what: `service at ${connection.url} (from ${connection.source})`, fault: reasonOf(answer), mend }];
  }
  return [state, examineClock(answer), ...(await examineHealth(answer)), await examineKey(connection)];
}

function examineState(environment: NodeJS.ProcessEnv): Finding {
  const directory = stateDirectory(environment);
  const what = `journals in ${directory}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.W_OK);
    return { what };
  } catch (error) {
    return { what, fault: (error as Error).message, mend: 'Make the directory writable, or point XDG_STATE_HOME to one that is.' };
  }
}

/** Search tokens and signatures of S3 fail when clocks differ. */
function examineClock(answer: Response): Finding {
  const secondsApart = Math.abs(Date.parse(answer.headers.get('Date') ?? '') - Date.now()) / 1000;
  if (!(secondsApart > 60)) return { what: 'clock' };
  return { what: 'clock', fault: `this machine and the service are ${Math.round(secondsApart)} s apart`, mend: 'Set both clocks by NTP.' };
}

async function examineHealth(answer: Response): Promise<Finding[]> {
  const health = healthAnswer.safeParse(await answer.json().catch(() => null));
  if (!health.success) {
    return [{ what: 'service', fault: `the answer of /health is not Facepass’s (HTTP ${answer.status})`, mend: 'Correct the address: another service, or a proxy, answers there.' }];
  }
  return [databaseFinding(health.data), inferenceFinding(answer, health.data)];
}

function databaseFinding({ database }: HealthAnswer): Finding {
  if (database === 'connected') return { what: 'database' };
  const mends: [RegExp, string][] = [
    [/schema|migrat/i, 'Run the migration: node services/migrator/main.ts up.'],
    [/dimension|model/i, 'The database was made for another model: set MODEL_PACK to that one, or use another database.'],
    [/pgvector|extension|vector/i, 'Install or upgrade pgvector in the database (0.8.4 or newer).'],
    [/password|authentication|role/i, 'Correct the user and password in DATABASE_URL.'],
    [/ECONNREFUSED|ENOTFOUND|ENOENT|timeout/i, 'Start the database, or correct DATABASE_URL.'],
  ];
  return { what: 'database', fault: database, mend: mends.find(([pattern]) => pattern.test(database))?.[1] ?? 'The log of the API tells more.' };
}

function inferenceFinding(answer: Response, health: HealthAnswer): Finding {
  if (answer.ok || health.database !== 'connected') return { what: `inference (${health.face_recognition_model})` };
  return { what: 'inference', fault: health.face_recognition_model, mend: 'Start the inference server, or correct INFERENCE_ADDRESS; its log names a model file that is missing or damaged.' };
}

/** An index call without a body is refused for its key before anything else. */
async function examineKey(connection: Connection): Promise<Finding> {
  if (!connection.apiKey) return { what: 'API key', fault: 'there is none', mend: 'Give --api-key or FACEPASS_API_KEY; searches go without where the service allows it.' };
  const answer = await call(connection, '/api/v1/index', { method: 'POST', headers: { 'X-API-Key': connection.apiKey } });
  if (answer instanceof Error) return { what: 'API key', fault: reasonOf(answer), mend: 'Run `facepass doctor` again.' };
  if (answer.status === 401) return { what: 'API key', fault: 'the service does not know it', mend: 'Correct --api-key or FACEPASS_API_KEY, or add the key to API_KEYS of the service.' };
  if (answer.status === 403) return { what: 'API key', fault: 'it may not index', mend: 'Add the scope `index` to the key in API_KEYS of the service.' };
  return { what: 'API key' };
}

async function call({ url }: Connection, path: string, init: RequestInit = {}): Promise<Response | Error> {
  try {
    return await fetch(url + path, { ...init, signal: AbortSignal.timeout(10_000) });
  } catch (error) {
    return error as Error;
  }
}

function textOf({ what, fault, mend }: Finding): string {
  if (!fault) return `${styleText('green', 'ok')}     ${what}`;
  return `${styleText('red', 'fault')}  ${what}: ${fault}\n       ${mend}`;
}
