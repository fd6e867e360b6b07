import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROBLEMS, type ProblemCode } from '@facepass/indexing/errors';
import express, { type RequestHandler, type Response, type Router } from 'express';
import type { Context } from './context.ts';
import { openApiDocument } from './openapi.ts';

/**
 * The pages people read: the API reference, the page of each problem code, and the console if it is built. Unlike the
 * calls, pages ignore a trailing slash, because people type them.
 */
export function pages({ config, version }: Context): Router {
  const app = express.Router();
  const document = openApiDocument({ version, legacy: config.legacy.enabled });
  app.get('/openapi.json', (_request, response) => void response.json(document));
  app.get('/docs', (_request, response) => sendPage(response, REFERENCE_TITLE, REFERENCE));
  app.get(
    '/docs/assets/reference.js',
    (_request, response) => void response.type('text/javascript').send(REFERENCE_SCRIPT),
  );
  for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png']) {
    app.get(`/docs/assets/${file}`, sendFile(fileURLToPath(import.meta.resolve(`swagger-ui-dist/${file}`))));
  }
  app.get('/docs/assets/page.css', (_request, response) => void response.type('text/css').send(STYLE));
  app.get('/docs/errors', (_request, response) => sendPage(response, 'Facepass problem codes', problemList()));
  app.get('/docs/errors/:code', (request, response, next) => {
    const { code } = request.params;
    return isProblemCode(code) ? sendPage(response, code, `${TO_THE_LIST}${problemArticle(code)}`) : next();
  });
  if (config.console && existsSync(CONSOLE)) addConsole(app);
  else
    app.get('/', (_request, response) =>
      sendPage(response, 'Facepass', '<h1>Facepass</h1><p>The API reference is at <a href="/docs">/docs</a>.</p>'),
    );
  return app;
}

const CONSOLE = fileURLToPath(new URL('../console/dist', import.meta.url));

function addConsole(app: Router): void {
  app.get('/', sendFile(join(CONSOLE, 'index.html')));
  app.get('/s/:session_id', sendFile(join(CONSOLE, 'guest.html')));
  app.use('/assets', express.static(join(CONSOLE, 'assets'), { immutable: true, maxAge: '1y', ...STATIC }));
  app.use(express.static(CONSOLE, STATIC));
}

/** Whole files only: `send` answers a range beyond the end with an error of its own. */
const STATIC = { index: false, acceptRanges: false } as const;

/** The folder is the root, so that a folder above whose name begins with a dot does not hide the file. */
function sendFile(path: string): RequestHandler {
  const options = { root: dirname(path), acceptRanges: false };
  return (_request, response, next) =>
    response.setHeader('Cache-Control', 'no-cache').sendFile(basename(path), options, (error) => error && next(error));
}

const REFERENCE_TITLE = 'Facepass API';
const REFERENCE =
  '<link rel="stylesheet" href="/docs/assets/swagger-ui.css"><div id="reference"></div><script src="/docs/assets/swagger-ui-bundle.js"></script><script src="/docs/assets/reference.js"></script>';
const REFERENCE_SCRIPT = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#reference', deepLinking: true, validatorUrl: null });\n`;

const TO_THE_LIST = '<nav><a href="/docs/errors">All problem codes</a> <a href="/docs">API reference</a></nav>';

/** The colours of the console, for pages that are read. */
const STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; color: light-dark(#1a201e, #eaefec); background: light-dark(#f5f3ee, #111514); }
body { max-width: 44rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; overflow-wrap: anywhere; }
a { color: light-dark(#0c5b50, #7ed3c0); } nav a { margin-right: 1rem; } h2 a { color: inherit; text-decoration: none; }
article { padding: 0.5rem 1.25rem 0.75rem; margin: 1rem 0; border: 1px solid light-dark(#dcd8cd, #2d3734); border-radius: 12px; background: light-dark(#fffefb, #1a201e); }
h3 { margin: 1rem 0 0; font-size: 0.875rem; color: light-dark(#5a6461, #9eaaa5); } h3 + p { margin-top: 0.125rem; } code { font-size: 0.9375em; }
`;

function problemList(): string {
  return `<nav><a href="/docs">API reference</a></nav><h1>Problem codes</h1>${(Object.keys(PROBLEMS) as ProblemCode[]).map(problemArticle).join('')}`;
}

function problemArticle(code: ProblemCode): string {
  const { status, title, fix, cause } = PROBLEMS[code];
  return `<article id="${code}"><h2><a href="/docs/errors/${code}">${code}</a></h2><p>${status}: ${asHtml(title)}.</p><h3>Cause</h3><p>${asHtml(cause)}</p><h3>Fix</h3><p>${asHtml(fix)}</p></article>`;
}

function isProblemCode(code: string | undefined): code is ProblemCode {
  return code !== undefined && Object.hasOwn(PROBLEMS, code);
}

function sendPage(response: Response, title: string, body: string): void {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><link rel="icon" href="/docs/assets/favicon-32x32.png"><title>${asHtml(title)}</title>${title === REFERENCE_TITLE ? '' : '<link rel="stylesheet" href="/docs/assets/page.css">'}`;
  response.type('html').send(`<!doctype html><html lang="en"><head>${head}</head><body>${body}</body></html>\n`);
}

/** Text with `code` marks as HTML. */
function asHtml(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return escaped.replace(/`([^`]+)`/g, '<code>$1</code>');
}
