/** A route of Fastify and nothing else: `object` gives it an object to write, `text` the text itself. */
import Fastify from 'fastify';
import { THING } from '../front/thing.ts';

const app = Fastify({ logger: false });
const text = JSON.stringify(THING);

if (process.argv[2] === 'object') app.get('/things/:id', async () => ({ id: THING.id, text: THING.text }));
else app.get('/things/:id', (_request, reply) => reply.type('application/json; charset=utf-8').send(text));

const url = await app.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`${JSON.stringify({ url })}\n`);
