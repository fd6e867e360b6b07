import { accessSync, constants, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { parseKeys } from '@facepass/contracts/api-keys';
import { stateDirectory } from '../journal.ts';
import type { Finding } from './finding.ts';

/** Where `facepass index` writes down what was acknowledged. */
export function examineState(environment: NodeJS.ProcessEnv): Finding {
  const directory = stateDirectory(environment);
  const what = `journals in ${directory}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.W_OK);
    return { what };
  } catch (error) {
    return {
      what,
      fault: (error as Error).message,
      mend: 'Make the directory writable, or point XDG_STATE_HOME to one that is.',
    };
  }
}

/** The file of API_KEYS_FILE: readable, well-formed, with a key, and closed to others. */
export function examineKeysFile(path: string): Finding {
  const what = `keys file ${path}`;
  try {
    const text = readFileSync(path, 'utf8');
    if (parseKeys(text).length === 0)
      return {
        what,
        fault: 'it holds no key: every call that writes is refused',
        mend: 'Make one: facepass keys create NAME.',
      };
    if (statSync(path).mode & 0o007)
      return { what, fault: 'every user of this machine may read it', mend: `Close it: chmod o= ${path}.` };
    return { what };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      return { what, fault: 'there is none', mend: 'Make it: facepass keys create NAME; or correct API_KEYS_FILE.' };
    if (code === 'EACCES')
      return {
        what,
        fault: message,
        mend: 'Let the user that runs the API read it: chown it, or give its group the right.',
      };
    return {
      what,
      fault: message,
      mend: 'Correct the entry; until then an API that starts refuses it, and one that runs keeps its old keys.',
    };
  }
}

/** Whether a service that does not run could listen on `port`. */
export async function examinePort(name: string, port: number, host?: string): Promise<Finding> {
  const what = `${name} ${port}`;
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
    await new Promise((resolve) => server.close(resolve));
    return { what };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      return {
        what,
        fault: 'another program listens there',
        mend: `Stop that program (ss -ltnp names it), or set ${name} to a free port.`,
      };
    if (code === 'EACCES') return { what, fault: message, mend: `Set ${name} to a port from 1024 on.` };
    return { what, fault: message, mend: 'Correct HOST: it must be an address of this machine.' };
  }
}
