import t from 'tap';
import { CASES } from '../support/corpus/cases.ts';
import { runCorpus } from '../support/corpus/run.ts';
import { startJava, startNginx, startNode, type Upstream } from '../support/corpus/upstreams.ts';
import { withFacade } from '../support/facade.ts';

const CONTRACT = `
openapi: 3.0.3
info: { title: Things, version: '1' }
paths:
  /things/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get:
      operationId: getThing
      responses: { '200': { description: One, content: { application/json: { schema: { type: object, properties: { name: { type: string } } } } } } }
    put: { operationId: putThing, responses: { '204': { description: Put } } }
`;

const BINDINGS = `
export default bind({
  contract: './contract.yaml',
  tenant: ({ headers }) => headers['x-tenant-id'],
  errors: { invalidParameter: ({ message }) => ({ body: { refused: message } }) },
  operations: {
    getThing: { repeatable: false, mongodb: ({ tenant, path }) => ({ findOne: { collection: 'things', filter: { tenant, id: path.id } } }) },
  },
});
`;

t.ok(CASES.length >= 200, `${CASES.length} requests`);
t.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length, 'each has a name of its own');

const UPSTREAMS: readonly (readonly [name: string, start: () => Promise<Upstream>])[] = [
  ['Node http', startNode],
  ['nginx', startNginx],
  ['Java', startJava],
];

// At `validate` the store is away: what legacy and clients see must not depend on it. `repeatable: false`, since legacy would
// else be asked once more for what differs, by design.
for (const [name, start] of UPSTREAMS) {
  for (const stage of ['legacy', 'validate']) {
    t.test(`at ${stage}, in front of ${name}, replies and what legacy sees are the same`, async (t) => {
      const upstream = await start();
      t.teardown(() => upstream.stop());
      const facade = await withFacade(t, {
        bindings: { text: BINDINGS, contract: CONTRACT },
        env: {
          MONGODB_URI: 'mongodb://127.0.0.1:9/none?serverSelectionTimeoutMS=200',
          LEGACY_URL: `http://127.0.0.1:${upstream.port}`,
          SERVER_TIMING: 'false',
        },
        stages: `operations: { getThing: { stage: ${stage} } }\n`,
      });
      await runCorpus(t, upstream, Number(new URL(facade.url).port));
    });
  }
}
